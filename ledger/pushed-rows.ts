import { type IntakeRef, intakeLine, parseIntakeLine } from '../domain/intake.ts';
import type { OutcomeRow } from '../domain/outcome.ts';
import type { JobLedger } from './job-ledger.ts';
import { type ClosedPage, viewOf } from './job-view.ts';
import { cachedLines } from './lines-cache.ts';

/** Some lines of one intake page, first to last (0-based). Of the page's hour nothing depends on its being right. */
export interface PushedLines {
  readonly ref: IntakeRef;
  readonly from: number;
  readonly to: number;
}

/**
 * The rows of what a remote connector pushed with these lines, as far as closed pages of this job have them, by `intakeLine` without the hour. A
 * row says itself what pushed it, so none is another item's.
 * @throws LedgerError
 */
export async function pushedRows(
  job: JobLedger,
  lines: readonly PushedLines[],
): Promise<ReadonlyMap<string, OutcomeRow>> {
  const found = new Map<string, OutcomeRow>();
  for (const page of (await viewOf(job)).closed) {
    const here = lines.filter(({ ref }) => hasLinesOf(page, ref));
    if (here.length === 0) continue;
    const segment = await cachedLines(job.objects, page.segment, 'segments', page.page);
    for (const { ref, from, to } of here) {
      for (const at of segment.containing(`/${ref.writer}-${ref.n}:`)) {
        const row = segment.parse(at) as OutcomeRow;
        const place = row.pushed === undefined ? undefined : parseIntakeLine(row.pushed);
        if (place === undefined || place.ref.writer !== ref.writer || place.ref.n !== ref.n) continue;
        if (from <= place.line && place.line <= to) found.set(pushedKey(place.ref, place.line), row);
      }
    }
  }
  return found;
}

/** Of one connector and kind of scan, writer and number of a page are its alone. */
export function pushedKey(ref: Pick<IntakeRef, 'writer' | 'n'>, line: number): string {
  return intakeLine({ ...ref, slot: '' }, line);
}

function hasLinesOf({ intake }: ClosedPage, { writer, n }: IntakeRef): boolean {
  return (
    intake?.some((one) => one.writer === writer && one.spans.some(([first, last]) => first <= n && n <= last)) === true
  );
}
