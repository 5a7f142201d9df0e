import type { JobResource } from '../../api/contract.ts';
import { ACTION_STATES } from '../../domain/action.ts';
import type { Order } from '../../domain/approval.ts';
import { secondsText } from '../../domain/duration.ts';
import { ACTIONS_WINDOW, isFinal } from '../../domain/job.ts';
import { OUTCOMES, rowsOf } from '../../domain/outcome.ts';
import type { Finding } from '../job/findings.ts';
import { rootOf, threatOf } from '../job/summary.ts';
import { gapCount, gapLines } from './gaps.ts';
import { incrementalLines } from './incremental.ts';
import { visible, visibleLocation } from './names.ts';
import { sourceText, stateText } from './progress.ts';
import { JUDGED_AGAIN } from './quarantine.ts';
import type { Style } from './style.ts';
import { bytes, count, duration, rate, secondsBetween } from './units.ts';
import { selectionText, wholeLines } from './whole.ts';
import { padEnd, padStart } from './width.ts';

/** At most so many findings are named on the terminal. */
export const SHOWN_FINDINGS = 20;

/** The job in a few honest words: `complete`, `complete with gaps (3)`, `cancelled`, `failed: why`. */
export function resultText(job: JobResource): string {
  switch (job.state) {
    case 'completed':
      return 'complete';
    case 'completed_with_gaps':
      return `complete with gaps (${count(gapCount(job.gaps))})`;
    case 'cancelled':
      return 'cancelled';
    case 'failed':
      return `failed: ${visible(job.failure?.message ?? 'no reason was given')}`;
    default:
      return `${stateText(job)} (not ended)`;
  }
}

/**
 * The account of a job for a person, one string without a line break at its end.
 * `findings` are the first ones, as they are to be named; counts come from the job alone.
 */
export function accountText(job: JobResource, findings: readonly Finding[], style: Style): string {
  const seconds = secondsBetween(job.startedAt, job.endedAt);
  const lines = [tone(job, style)(style.strong(resultText(job))), ''];
  const fact = (name: string, text: string): number => lines.push(`  ${padEnd(name, 12)}${text}`);
  fact('job', job.job);
  if (job.retry !== undefined) fact('retry of', selectionText(job.retry));
  fact('source', sourceText(job.source));
  if (job.order !== undefined) return applyText(job, lines, style);
  if (job.settings.filter !== '') fact('filter', visible(job.settings.filter));
  fact('scanner', visible(job.settings.scanner));
  fact('action', `${job.settings.action}${job.settings.dryRun ? ' (dry run: nothing was touched)' : ''}`);
  if (job.settings.maxActions !== undefined) {
    const window = secondsText(job.settings.maxActionsWindow ?? ACTIONS_WINDOW);
    fact('brake', `${count(job.settings.maxActions)} actions in ${window}; the rest waits for approval`);
  }
  if (job.settings.quarantine !== undefined && MOVES.has(job.settings.action)) {
    fact('quarantine', visible(job.settings.quarantine));
  }
  if (job.counters.standIn > 0 || job.settings.scanner === 'standin') {
    lines.push('', `  ${style.warn('judged by a stand-in: no proof of anything')}`);
  }
  lines.push('', ...countLines(job), ...incrementalLines(job, style), '');
  const speed = seconds > 0 ? `, ${rate(rowsOf(job.counters) / seconds)} items/s` : '';
  const flow = seconds > 0 ? `, ${bytes(job.counters.bytes / seconds)}/s` : '';
  lines.push(`  ${bytes(job.counters.bytes)} judged in ${duration(seconds)}${speed}${flow}`);
  lines.push(...findingLines(job, findings, style), ...gapsText(job, style), ...wholeLines(job, style));
  lines.push(...proofLines(job));
  return lines.join('\n');
}

function proofLines(job: JobResource): string[] {
  const root = rootOf(job);
  const proof = root === undefined ? [] : [`root    ${root}`, `verify  dsx ledger verify ${job.job} --root ${root}`];
  return ['', `ledger  ${visible(job.ledger)}`, ...proof];
}

/** The account of a job that scanned nothing: it carried out what had been planned, or decided about. */
function applyText(job: JobResource, head: readonly string[], style: Style): string {
  const { order, settings } = job;
  if (order?.why === 'restore') return restoreText(job, order, head, style);
  const how = order?.why === 'planned' ? 'planned by' : `${order?.why} findings of`;
  const lines = [...head, `  ${padEnd('applies', 12)}${how} job ${order?.job}`];
  lines.push(`  ${padEnd('ordered', 12)}by ${visible(order?.by ?? '')} at ${order?.at}`);
  if (order?.reason !== undefined) lines.push(`  ${padEnd('reason', 12)}${visible(order.reason)}`);
  if (settings.dryRun) lines.push(`  ${padEnd('dry run', 12)}nothing was touched`);
  const done = stateLines(job);
  lines.push(...(done.length > 0 ? done : ['', '  no finding was acted on']), ...gapsText(job, style));
  lines.push('', `actions dsx ledger show ${job.job} --actions`, ...proofLines(job).slice(1));
  return lines.join('\n');
}

/** The account of a job that put items back. */
function restoreText(job: JobResource, order: Order, head: readonly string[], style: Style): string {
  const lines = [...head, `  ${padEnd('puts back', 12)}what job ${order.job} moved`];
  lines.push(`  ${padEnd('ordered', 12)}by ${visible(order.by)} at ${order.at}`);
  if (order.reason !== undefined) lines.push(`  ${padEnd('reason', 12)}${visible(order.reason)}`);
  const done = stateLines(job);
  lines.push(...(done.length > 0 ? done : ['', '  nothing was put back']), ...gapsText(job, style));
  lines.push('', style.faint(`${JUDGED_AGAIN};`), style.faint('to let it stay: dsx allow SHA256 --reason TEXT'));
  lines.push('', `actions dsx ledger show ${job.job} --actions`, ...proofLines(job).slice(1));
  return lines.join('\n');
}

const MOVES: ReadonlySet<string> = new Set(['move', 'movetag']);

function countLines(job: JobResource): string[] {
  const rows: [string, number][] = [['listed', job.listed]];
  for (const outcome of OUTCOMES) {
    const n = job.counters.outcomes[outcome];
    if (n > 0) rows.push([outcome.replace('_', ' '), n]);
  }
  const left = job.listed - rowsOf(job.counters);
  if (left > 0) rows.push(['not scanned', left]);
  if (job.outside > 0) rows.push(['outside', job.outside]);
  const width = Math.max(...rows.map(([, n]) => count(n).length));
  const lines = rows.map(([name, n]) => {
    const note = NOTES[name]?.(job) ?? '';
    return `  ${padEnd(name, 16)}${padStart(count(n), width)}${note}`;
  });
  if (!job.listingDone && isFinal(job.state)) lines.push('  the listing had not come to its end');
  return [...lines, ...stateLines(job)];
}

/** What a count alone does not say. */
const NOTES: Readonly<Record<string, (job: JobResource) => string>> = {
  outside: () => '  (seen, but outside the filter; not listed)',
  skipped: ({ counters: { allowed = 0, unchanged = 0 } }) => {
    const parts = [
      ...(unchanged === 0 ? [] : [`${count(unchanged)} unchanged`]),
      ...(allowed === 0 ? [] : [`${count(allowed)} judged a finding, and allowed by hash`]),
    ];
    return parts.length === 0 ? '' : `  (${parts.join('; ')})`;
  },
};

/** How many actions are in which state. */
function stateLines(job: JobResource): string[] {
  const states = ACTION_STATES.filter((state) => job.actions[state] > 0);
  if (states.length === 0) return [];
  const action = job.order?.why === 'restore' ? 'restore' : job.settings.action;
  return ['', `  ${action}: ${states.map((s) => `${count(job.actions[s])} ${actionWord(s)}`).join(', ')}`];
}

function findingLines(job: JobResource, findings: readonly Finding[], style: Style): string[] {
  const total = job.counters.outcomes.malicious + job.counters.outcomes.policy_blocked;
  if (total === 0) return [];
  const shown = findings.slice(0, SHOWN_FINDINGS);
  const lines = ['', style.bad(`findings (${count(total)})`)];
  for (const { row, action } of shown) {
    const threat = threatOf(row);
    lines.push(
      `  ${row.outcome.replace('_', ' ')}${threat === undefined ? '' : ` ${visible(threat)}`}: ${visibleLocation(row)}`,
    );
    if (action !== undefined) lines.push(`    ${doneText(action)}`);
  }
  if (total > shown.length) {
    lines.push(`  and ${count(total - shown.length)} more: dsx ledger show ${job.job} --outcome malicious`);
  }
  return lines;
}

/** What was done about a finding, and where the item is now. */
export function doneText(action: NonNullable<Finding['action']>): string {
  const where = action.destination === undefined ? '' : ` to ${visible(action.destination)}`;
  const why = [action.code, action.note].filter((part) => part !== undefined).map(visible);
  switch (action.state) {
    case 'done':
      return `${PAST[action.action]}${where}`;
    case 'planned':
      return `planned: ${action.action}${where}`;
    case 'awaiting-approval':
      return `${action.action}: waits for approval`;
    default:
      return `${action.action} ${action.state}${why.length > 0 ? `: ${why.join(', ')}` : ''}`;
  }
}

const PAST = {
  nothing: 'left in place',
  delete: 'deleted',
  move: 'moved',
  tag: 'tagged',
  movetag: 'moved and tagged',
  restore: 'put back',
} as const;

function actionWord(state: (typeof ACTION_STATES)[number]): string {
  return state === 'awaiting-approval' ? 'waiting for approval' : state;
}

function gapsText(job: JobResource, style: Style): string[] {
  if (job.gaps.length === 0) return [];
  const lines = ['', style.warn(`gaps (${count(gapCount(job.gaps))})`)];
  for (const gap of job.gaps) lines.push(...gapLines(gap, job.job));
  return lines;
}

function tone(job: JobResource, style: Style): (text: string) => string {
  if (job.state === 'completed') return style.good;
  return job.state === 'failed' ? style.bad : style.warn;
}
