import type { ApprovalList, DecideSourceAnswer, DecisionResource, SourceApprovals } from '../../api/contract.ts';
import { spansText } from '../../domain/approval.ts';
import { visible, visibleLocation } from './names.ts';
import { sourceText } from './progress.ts';
import { shellWord } from './shell-word.ts';
import type { Style } from './style.ts';
import { bytes, count, counted } from './units.ts';
import { padEnd, padStart } from './width.ts';

/** Decisions shown behind the list. */
const SHOWN_DECISIONS = 10;

/** Sources with something that waits, or was decided about. */
export function sourcesText({ sources }: ApprovalList, style: Style): string {
  if (sources.length === 0) return 'nothing waits for approval';
  return sources
    .map(({ source, waiting, since, decided }) => {
      const wait = waiting === 0 ? style.good('nothing waits') : style.warn(waitText(waiting));
      const from = since === undefined ? '' : `, the first since ${since}`;
      const last = decided === undefined ? '' : `; last decision ${decided}`;
      return `${sourceText(source)}  ${wait}${from}${last}${waiting === 0 ? '' : `\n  dsx approvals ${source.id}`}`;
    })
    .join('\n');
}

/** The findings of a source, what to type to decide about them, and the latest decisions. `name`: the source as it was named. */
export function approvalsText(page: SourceApprovals, name: string, style: Style): string {
  const { findings, waiting, decided, through, list } = page;
  const lines = [
    style.strong(
      `${sourceText(page.source)}: ${waiting === 0 ? 'nothing waits' : `${waitText(waiting)} for approval`}`,
    ),
  ];
  const width = String(through ?? 0).length;
  for (const { sequence, action, threat, verdict, size, sha256, job, standIn, judgedAt, ...item } of findings) {
    const what = visible(threat ?? verdict);
    lines.push(
      `  ${padStart(String(sequence), width)}  ${padEnd(action, 7)}  ${style.bad(what)}  ${visibleLocation(item)}`,
    );
    const facts = `${bytes(size)}, sha256 ${sha256}, judged ${judgedAt}${standIn ? ' by a stand-in' : ''}, job ${job}`;
    lines.push(style.faint(`  ${' '.repeat(width)}  ${facts}`));
  }
  if (through !== undefined && list !== undefined) {
    const named = `${shellWord(name)} --through ${through} --list ${list}`;
    lines.push('', `approve what is shown   dsx approve ${named}`, `some of it              … --only 1,2,5-7`);
    lines.push(`refuse it               dsx reject ${named}`);
    if (findings.length < waiting) {
      const before = 'these commands take in everything up to that number, shown here or not';
      lines.push(style.warn(`more waits than is shown: ${before}; name what you mean with --only`));
    }
  }
  if (page.next !== undefined) {
    lines.push(`more                    dsx approvals ${shellWord(name)} --after ${page.next}`);
  }
  if (decided.length > 0) lines.push('', style.strong('decided'));
  for (const decision of decided.slice(-SHOWN_DECISIONS).reverse()) lines.push(`  ${decisionText(decision)}`);
  return lines.join('\n');
}

function decisionText({ verdict, by, at, reason, count: n, findings, jobs }: DecisionResource): string {
  const spans = spansText(findings.map(([first = 0, last = 0]) => [first, last]));
  const why = reason === undefined ? '' : `: ${visible(reason)}`;
  return `${at}  ${PAST[verdict]} ${count(n)} (${spans}) by ${visible(by)}${why}; ${jobs.map(({ job }) => job).join(', ')}`;
}

/** What was decided, in one line. */
export function decidedText({ verdict, count: n, jobs, waiting }: DecideSourceAnswer): string {
  const by = jobs.map(({ job, of }) => `job ${job} (of ${of})`).join(', ');
  return `${PAST[verdict]} ${counted(n, 'finding')}: ${by}; ${count(waiting)} still wait`;
}

const PAST = { approve: 'approved', reject: 'rejected' } as const;

function waitText(n: number): string {
  return `${counted(n, 'finding')} ${n === 1 ? 'waits' : 'wait'}`;
}
