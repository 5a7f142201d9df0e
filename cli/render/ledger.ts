import type { ActionRow } from '../../domain/action.ts';
import { isFinding, type OutcomeRow } from '../../domain/outcome.ts';
import type { VerifyReport } from '../../ledger/verify.ts';
import { doneText } from './account.ts';
import { visible, visibleLocation } from './names.ts';
import type { Style } from './style.ts';
import { bytes, counted } from './units.ts';
import { leftText } from './whole.ts';
import { padEnd, padStart } from './width.ts';

/** One line for an outcome row: item, outcome, size, location, and what the scanner or the storage said. */
export function outcomeText(row: OutcomeRow, style: Style): string {
  const tone = row.outcome === 'clean' ? style.good : isFinding(row.outcome) ? style.bad : style.warn;
  const what = row.reason === undefined ? row.outcome : `${row.outcome} (${visible(row.reason)})`;
  const size = row.judged?.size ?? row.listed.size;
  const threat = row.verdict?.threatType ?? row.verdict?.reasonRaw;
  const since = row.unchanged === undefined ? undefined : `judged by ${row.unchanged.row} at ${row.unchanged.at}`;
  const tail = [threat, row.note, since].filter((text) => text !== undefined).map(visible);
  const told = tail.length === 0 ? '' : style.faint(`  ${tail.join('; ')}`);
  const standIn = row.scanner?.standIn === true || row.unchanged?.standIn === true ? style.faint('  (stand-in)') : '';
  const columns = [padEnd(row.item, 10), padStart(size === undefined ? '-' : bytes(size), 9), tone(padEnd(what, 20))];
  return `${columns.join('  ')}  ${visibleLocation(row)}${told}${standIn}`;
}

/** One line for an action row. */
export function actionText(row: ActionRow, style: Style): string {
  const tone =
    row.state === 'done' ? style.good : row.state === 'failed' || row.state === 'refused' ? style.bad : style.warn;
  return `${padEnd(row.item, 10)}  ${tone(padEnd(row.state, 17))}  ${visibleLocation(row)}  ${style.faint(doneText(row))}`;
}

/** What a verification found, line by line, ending with the verdict. */
export function reportLines(report: VerifyReport, style: Style): string[] {
  const { checked, problems, problemCount, strays, head } = report;
  const lines: string[] = [];
  for (const { code, object, line, message } of problems) {
    lines.push(
      `${style.bad(code)}  ${visible(object)}${line === undefined ? '' : ` line ${line}`}: ${visible(message)}`,
    );
  }
  if (problemCount > problems.length) lines.push(`and ${counted(problemCount - problems.length, 'more problem')}`);
  const read = [counted(checked.commits, 'commit'), counted(checked.pages, 'page'), counted(checked.items, 'item')];
  lines.push(
    `read     ${[...read, counted(checked.rows, 'outcome row'), counted(checked.actions, 'action row')].join(', ')}`,
  );
  if (strays.count > 0) {
    lines.push(
      `strays   ${counted(strays.count, 'object')} (${bytes(strays.bytes)}) that no commit names; they count for nothing`,
    );
  }
  if (head !== undefined) lines.push(`${report.state === undefined ? 'commit   ' : 'root     '}${head.hash}`);
  if (report.state === undefined)
    lines.push(style.warn('the job has not ended: this is about what is committed so far'));
  else lines.push(`state    ${report.state}`);
  if (report.later > 0)
    lines.push(style.warn(`${counted(report.later, 'later commit')} behind that root: not covered`));
  lines.push(...unchangedLines(report, style), ...retryLines(report, style), verdictText(report, style));
  return lines;
}

/** Against what the unchanged rows of an incremental scan were checked. */
function unchangedLines({ unchanged }: VerifyReport, style: Style): string[] {
  if (unchanged === undefined) return [];
  const { rows, checked, judgedBy, notThere } = unchanged;
  const by = judgedBy.length === 0 ? '' : ` of ${judgedBy.join(', ')}`;
  const lines = [`unchanged ${counted(rows, 'row')}, ${checked} compared with the rows that judged the bytes${by}`];
  if (notThere.length > 0) {
    lines.push(style.warn(`unchanged the ledger of ${notThere.join(', ')} is not here: what it judged is not checked`));
  }
  return lines;
}

/** What was checked of a retry, and how later retries changed what is left. */
function retryLines({ job, retry, relations }: VerifyReport, style: Style): string[] {
  const lines: string[] = [];
  if (retry !== undefined) {
    const checked = `retry    of ${retry.of}: its items were compared with the rows selected there`;
    const not =
      retry.coverage === 'not_there'
        ? 'the ledger of a job that it builds on is not here, so whether it retried what was selected is not checked'
        : 'whether it retried what was selected is not checked';
    lines.push(retry.coverage === 'checked' ? checked : style.warn(`retry    of ${retry.of}: ${not}`));
  }
  const { retriedBy, closedBy, whole } = relations ?? {};
  if (retriedBy !== undefined) lines.push(`retried  by ${retriedBy.join(', ')}`);
  const target = retry === undefined ? undefined : { of: retry.of, first: retry.first, outcomes: [] };
  const left = leftText({ job, retry: target, retriedBy, closedBy, whole });
  if (left !== undefined) lines.push(`whole    ${left}`);
  return lines;
}

function verdictText(report: VerifyReport, style: Style): string {
  if (report.problemCount > 0)
    return style.bad(
      `NOT ${report.root === undefined ? 'consistent' : 'authentic'}: ${counted(report.problemCount, 'problem')}`,
    );
  if (report.authentic) return style.good('authentic: this is the ledger that ended with that root, unchanged');
  return style.good('consistent (whether it is authentic, only the printed root can tell: --root HASH)');
}
