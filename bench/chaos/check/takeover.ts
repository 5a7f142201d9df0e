import { type Event, outside, type Span } from '../timeline.ts';
import type { Findings } from './findings.ts';
import type { Scan } from './requests.ts';
import { nobodyWorks, type WorkerSpans } from './spans.ts';

/** A page goes on within this while somebody can work. */
export const KILLED_WITHIN_MS = 30_000;
export const LOST_WITHIN_MS = 120_000;
/** A page is in a worker's hands when it scanned an item of it so shortly before. */
const IN_HANDS_MS = 1_500;
/** A worker that wakes up, or finds its way back, knows within this whose its pages are. */
const WAKING_MS = 60_000;
/** Requests that were on their way, or in the buffers of a proxy, arrive so much later. */
const ON_THE_WAY_MS = 300;

export interface Takeover {
  readonly how: 'killed' | 'frozen' | 'cut off';
  readonly worker: string;
  readonly page: string;
  /** From the fault until somebody scanned an item of the page again. */
  readonly ms: number;
  /** Of these, how long somebody could have, since the last fault that hit a worker. */
  readonly workableMs: number;
}

/** How long pages lay still that a worker had in its hands when it was killed, frozen, or cut off from Temporal. */
export function checkTakeovers(
  scans: readonly Scan[],
  events: readonly Event[],
  spans: ReadonlyMap<string, WorkerSpans>,
  findings: Findings,
): Takeover[] {
  const idle = nobodyWorks([...spans.values()]);
  const pages = Map.groupBy(scans, (scan) => scan.page);
  const losses = events.filter((event) => lossOf(event) !== undefined);
  const found: Takeover[] = [];
  for (const event of events) {
    const loss = lossOf(event);
    if (loss === undefined) continue;
    for (const [page, seen] of pages) {
      const one = takeoverOf(page, seen, event, loss, idle, losses);
      if (one === undefined) continue;
      found.push(one);
      const within = one.how === 'killed' ? KILLED_WITHIN_MS : LOST_WITHIN_MS;
      if (one.workableMs <= within) continue;
      const at = new Date(event.from).toISOString();
      findings.add(
        'takeovers',
        `page ${page} of ${one.worker}, ${one.how} at ${at}, went on after ${seconds(one.ms)}, ${seconds(one.workableMs)} of ` +
          `which somebody could work`,
      );
    }
  }
  return found;
}

/** What is left to do when all items are scanned (actions, commits) must not lie still either. @param endedAt Unix time */
export function checkEnd(
  scans: readonly Scan[],
  endedAt: number,
  events: readonly Event[],
  spans: ReadonlyMap<string, WorkerSpans>,
  findings: Findings,
): void {
  const lastScan = Math.max(...scans.map((scan) => scan.answered));
  const hits = events.filter((event) => event.from < endedAt && !event.target.startsWith('api'));
  const since = Math.max(lastScan, ...hits.map((event) => Math.min(event.to, endedAt)));
  const ms = outside(since, endedAt, nobodyWorks([...spans.values()]));
  if (scans.length === 0 || ms <= LOST_WITHIN_MS) return;
  findings.add('end', `the job ended ${seconds(ms)} after its last scan and the last fault`);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function lossOf({ fault }: Event): { how: Takeover['how']; worker: string } | undefined {
  if (fault.kind === 'toxic') {
    const [worker, server] = fault.link.split('>');
    if (server !== 'temporal' || !worker?.startsWith('worker') || fault.toxic.type !== 'timeout') return undefined;
    return { how: 'cut off', worker };
  }
  if (!fault.part.startsWith('worker')) return undefined;
  if (fault.kind === 'kill') return { how: 'killed', worker: fault.part };
  return fault.kind === 'freeze' ? { how: 'frozen', worker: fault.part } : undefined;
}

function takeoverOf(
  page: string,
  seen: readonly Scan[],
  event: Event,
  { how, worker }: { how: Takeover['how']; worker: string },
  idle: readonly Span[],
  losses: readonly Event[],
): Takeover | undefined {
  const { from } = event;
  const had = seen.some(
    (scan) => scan.worker === worker && scan.received <= from && scan.answered >= from - IN_HANDS_MS,
  );
  if (!had) return undefined;
  const late = from + ON_THE_WAY_MS;
  // One that is cut off from Temporal alone goes on scanning until it knows.
  const next = seen.find(
    (scan) => scan.received > late && (how !== 'cut off' || scan.worker !== worker || scan.received > event.to),
  );
  if (next === undefined) return undefined;
  const ms = next.received - from;
  // Whoever took the page over may have been hit before it scanned an item: then the clock starts anew.
  const last = Math.max(...losses.map((loss) => loss.from).filter((at) => at < next.received), from);
  return { how, worker, page, ms, workableMs: outside(last, next.received, idle) };
}

/**
 * Scans that a worker began after it woke up, or found its way back, on items that another one had already been asked for. A frozen
 * worker whose pages were taken over must begin none.
 */
export function checkLateWakers(
  scans: readonly Scan[],
  events: readonly Event[],
  spans: ReadonlyMap<string, WorkerSpans>,
  findings: Findings,
): number {
  const byItem = Map.groupBy(scans, (scan) => scan.item);
  let late = 0;
  for (const event of events) {
    const loss = lossOf(event);
    if (loss === undefined || loss.how === 'killed') continue;
    const { worker, how } = loss;
    for (const seen of byItem.values()) {
      for (const scan of seen) {
        const after = scan.received - event.to;
        if (scan.worker !== worker || after <= ON_THE_WAY_MS || after > WAKING_MS) continue;
        const taken = seen.find(
          (one) => one.worker !== worker && one.received > event.from && one.received < scan.received,
        );
        if (taken === undefined || lostAgain(taken, spans)) continue;
        late += 1;
        findings.add(
          'late wakers',
          `${worker}, ${how}, scanned ${scan.item} ${after} ms after it was back, when ${taken.worker} had`,
        );
      }
    }
  }
  return late;
}

/** Whether the one who took it over may have lost it again. */
function lostAgain(scan: Scan, spans: ReadonlyMap<string, WorkerSpans>): boolean {
  const { lossy = [] } = spans.get(scan.worker) ?? {};
  return lossy.some((span) => scan.received <= span.to && scan.answered >= span.from);
}
