import { type IntakeRef, parseIntakeLine } from '../../domain/intake.ts';
import type { JobKind, Source } from '../../domain/job.ts';
import type { OutcomeRow } from '../../domain/outcome.ts';
import { PUSHED_SHARD } from '../../domain/remote.ts';
import type { PushedLines } from '../../ledger/pushed-rows.ts';
import { taskIdOf } from './identity.ts';

/** What a remote connector pushed with one request, or with one part of a batch: where it was written down before it was acknowledged. */
export interface PushTask {
  /** The connector. */
  readonly uuid: string;
  /** Pushed for a scan that it was asked for, and not because it noticed something by itself. */
  readonly ofScan: boolean;
  /** In order, of one writer; at least one. */
  readonly lines: readonly PushedLines[];
}

/** Where an event was written down. */
export interface WrittenAt {
  readonly ref: IntakeRef;
  readonly line: number;
}

/** Connector, shard, hour, writer, then page and lines: `12.0-99_13.0` are the first hundred lines of page 12 and the first of page 13. */
const TASK =
  /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):(0|9999):(\d{4}-\d\d-\d\dT\d\d):([0-9a-f]{16}):([\d._-]{3,300})$/;
const PART = /^([1-9]\d{0,14})\.(\d{1,6})(?:-(\d{1,6}))?$/;

export function pushTaskId({ uuid, ofScan, lines }: PushTask): string {
  const [first] = lines;
  if (first === undefined) throw new RangeError('a task without a line');
  const parts = lines.map(({ ref, from, to }) => `${ref.n}.${from}${to > from ? `-${to}` : ''}`);
  return `${uuid}:${ofScan ? PUSHED_SHARD : 0}:${first.ref.slot}:${first.ref.writer}:${parts.join('_')}`;
}

/** Undefined for what is no such id. */
export function parsePushTask(task: string): PushTask | undefined {
  const [, uuid, shard, slot, writer, text] = TASK.exec(task) ?? [];
  if (uuid === undefined || slot === undefined || writer === undefined || text === undefined) return undefined;
  const lines: PushedLines[] = [];
  for (const part of text.split('_')) {
    const [, n, from, to = from] = PART.exec(part) ?? [];
    if (n === undefined || Number(to) < Number(from)) return undefined;
    lines.push({ ref: { slot, writer, n: Number(n) }, from: Number(from), to: Number(to) });
  }
  return { uuid, ofScan: shard === String(PUSHED_SHARD), lines };
}

/** The tasks of what was pushed at once: one for each so many items, as the former product made them. @param size of a part, at least 1 */
export function pushTasks(uuid: string, ofScan: boolean, written: readonly WrittenAt[], size: number): string[] {
  const tasks: string[] = [];
  for (let at = 0; at < written.length; at += size) {
    tasks.push(pushTaskId({ uuid, ofScan, lines: linesOf(written.slice(at, at + size)) }));
  }
  return tasks;
}

/** Places in order, as stretches. */
function linesOf(written: readonly WrittenAt[]): PushedLines[] {
  const lines: PushedLines[] = [];
  for (const { ref, line } of written) {
    const last = lines.at(-1);
    if (last?.ref.n === ref.n && last.to === line - 1) lines[lines.length - 1] = { ...last, to: line };
    else lines.push({ ref, from: line, to: line });
  }
  return lines;
}

/** The task of a row: what its push was answered with, where it was pushed; else job and item. It names the row for good. */
export function taskOfRow(
  { job, source, kind }: { readonly job: string; readonly source: Source; readonly kind: JobKind },
  row: Pick<OutcomeRow, 'item' | 'pushed'>,
): string {
  const place = row.pushed === undefined ? undefined : parseIntakeLine(row.pushed);
  if (place === undefined) return taskIdOf(job, row.item);
  const lines = [{ ref: place.ref, from: place.line, to: place.line }];
  return pushTaskId({ uuid: source.id, ofScan: kind === 'full', lines });
}
