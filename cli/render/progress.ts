import type { JobResource } from '../../api/contract.ts';
import { ACTION_STATES } from '../../domain/action.ts';
import type { Order } from '../../domain/approval.ts';
import type { IdleReason } from '../../domain/job.ts';
import { figuresOf, type Rates } from '../job/figures.ts';
import { limitsText, momentText } from './limits.ts';
import { visible } from './names.ts';
import type { Style } from './style.ts';
import { bytes, count, counted, duration, rate } from './units.ts';
import { cut, cutPath, displayWidth } from './width.ts';

/** What the job is doing, and why nothing moves if nothing does: `running`, `paused by alice: backup window`. */
export function stateText(job: Pick<JobResource, 'state' | 'idle'>): string {
  const idle = job.idle;
  if (idle === undefined) return job.state;
  const until = idle.until === undefined ? '' : ` until ${momentText(idle.until)}`;
  return `${idleText(idle)}${until}${idle.reason === undefined ? '' : `: ${visible(idle.reason)}`}`;
}

/** In a few words what a job waits for, and who made it wait. */
export function idleText(idle: IdleReason): string {
  return `${IDLE_WORDS[idle.why]}${idle.by === undefined ? '' : ` by ${visible(idle.by)}`}`;
}

const IDLE_WORDS: Readonly<Record<IdleReason['why'], string>> = {
  paused: 'paused',
  held: 'held',
  outside_hours: 'outside its hours',
  waiting_for_worker: 'waiting for a worker',
  cancelling: 'cancelling',
};

/** What is scanned, as it may be printed. */
export function sourceText(source: JobResource['source']): string {
  return source.kind === 'folder' ? visible(source.path) : `connector ${visible(source.id)}`;
}

/**
 * The lines of the live display, each at most `style.columns - 1` wide, always the same number of them.
 * `now` is the moment shown, so that the clock moves between events.
 */
export function progressLines(job: JobResource, rates: Rates, style: Style, now: Date): string[] {
  const figures = figuresOf(job, now);
  const width = Math.max(20, Math.min(style.columns, 100)) - 1;
  const state = cut(stateText(job), width);
  if (job.kind === 'apply') {
    const source = style.strong(cutPath(`${appliesText(job)} ${sourceText(job.source)}`, width));
    return [source, cut(`${state} ${job.job}`, width), cut(actionsText(job), width)];
  }
  const more = job.events === undefined ? 'still listing' : `${count(job.events.pending)} events wait`;
  const listed = `listed ${count(figures.listed)} (${bytes(job.listedBytes)}), ${job.listingDone ? 'listing done' : more}`;
  const share = figures.listed === 0 ? 0 : figures.scanned / figures.listed;
  const percent = job.listingDone ? `  ${Math.floor(share * 100)} %` : '';
  const scanned = `scanned ${count(figures.scanned)}${percent}`;
  const flight = figures.inFlight === undefined ? '' : `, ${count(figures.inFlight)} in flight`;
  const bar = job.listingDone ? barOf(share, width - scanned.length - flight.length - 3) : '';
  const eta = rates.etaSeconds === undefined ? '' : `, ETA ${duration(Math.ceil(rates.etaSeconds))}`;
  const speed = `${rate(rates.itemsPerSecond)} items/s, ${bytes(rates.bytesPerSecond)}/s`;
  const { malicious, policy_blocked, failed } = figures.counters.outcomes;
  const findings = malicious + policy_blocked;
  const tone = job.state === 'running' && job.idle === undefined ? style.good : style.warn;
  return [
    style.strong(cutPath(sourceText(job.source), width)),
    `${tone(state)}${style.faint(cut(` ${job.job}`, width - displayWidth(state)))}`,
    cut(listed, width),
    cut(scanned + flight, width) + (bar === '' ? '' : `  ${style.faint(bar)}`),
    cut(`${speed}${eta}, ${duration(figures.seconds)} so far${limitText(job)}`, width),
    `${(findings > 0 ? style.bad : style.faint)(counted(findings, 'finding'))}, ${(failed > 0
      ? style.warn
      : style.faint)(`${count(failed)} failed`)}`,
  ];
}

/** What an apply job does, in front of its source. */
export function appliesText({ order }: { readonly order?: Order }): string {
  return order?.why === 'restore' ? 'restore to' : 'actions of';
}

/** What an apply job has done so far: it scans nothing. */
function actionsText(job: JobResource): string {
  const states = ACTION_STATES.filter((state) => job.actions[state] > 0);
  const done = states.map((state) => `${count(job.actions[state])} ${state}`).join(', ');
  const of = job.order?.findings === undefined ? '' : ` of ${counted(job.order.findings, 'finding')}`;
  return `${job.order?.why === 'restore' ? 'put back' : 'actions'}${of}: ${done === '' ? 'none yet' : done}`;
}

/** One line that says the same, for logs and pipes. */
export function progressLine(job: JobResource, rates: Rates, now: Date): string {
  if (job.kind === 'apply') return `${now.toISOString().slice(11, 19)}Z ${stateText(job)}: ${actionsText(job)}`;
  const figures = figuresOf(job, now);
  const { malicious, policy_blocked, failed } = figures.counters.outcomes;
  return [
    `${now.toISOString().slice(11, 19)}Z ${stateText(job)}:`,
    `listed ${count(figures.listed)}${job.listingDone ? '' : ' so far'},`,
    `scanned ${count(figures.scanned)},`,
    ...(figures.inFlight === undefined ? [] : [`in flight ${count(figures.inFlight)},`]),
    `${rate(rates.itemsPerSecond)} items/s,`,
    `${bytes(rates.bytesPerSecond)}/s,`,
    ...(rates.etaSeconds === undefined ? [] : [`ETA ${duration(Math.ceil(rates.etaSeconds))},`]),
    `findings ${count(malicious + policy_blocked)},`,
    `failed ${count(failed)}`,
  ]
    .join(' ')
    .concat(limitText(job));
}

/** With a comma before it; nothing when the job has no limit. */
function limitText({ limits }: JobResource): string {
  const text = limitsText(limits ?? {});
  return text === 'none' ? '' : `, limited to ${text}`;
}

function barOf(share: number, columns: number): string {
  const width = Math.min(columns, 30);
  if (width < 8) return '';
  const full = Math.min(width, Math.floor(share * width));
  return '#'.repeat(full) + '-'.repeat(width - full);
}
