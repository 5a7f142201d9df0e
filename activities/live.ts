import type { LiveFigures } from '../domain/job.ts';
import { addCounters, type Counters, noCounters, rowsOf } from '../domain/outcome.ts';
import type { StatusStore } from '../status/status.ts';

const PUBLISH_MS = 500;
/** Figures of a worker that is gone disappear after this long. */
const TTL_MS = 5_000;
/** Rates are means over this window. */
const WINDOW_MS = 4_000;

/** A page that closed is reported for so long still, until the workflow's own figures hold it for sure. */
const LINGER_MS = 3_000;

interface OpenPage {
  readonly page: string;
  readonly counters: () => Counters;
  readonly inHand: () => number;
}

interface JobFigures {
  readonly open: Set<OpenPage>;
  closed: { page: string; counters: Counters; at: number }[];
  /** Of the pages that were open here and are closed or handed back: only what was added here. */
  rows: number;
  bytes: number;
  samples: { at: number; rows: number; bytes: number }[];
}

/** What the open pages of this worker are doing, published twice a second for whoever watches. Never the truth. */
export class LiveBoard {
  readonly #status: StatusStore | undefined;
  readonly #worker: string;
  readonly #jobs = new Map<string, JobFigures>();
  #timer: NodeJS.Timeout | undefined;

  constructor(status: StatusStore | undefined, worker: string) {
    this.#status = status;
    this.#worker = worker;
  }

  /** Registers a page. The counters may hold rows of earlier dispatches; rates count only what is added from now on. */
  open(job: string, page: string, counters: () => Counters, inHand: () => number): { close(): void } {
    const figures = this.#jobs.get(job) ?? { open: new Set(), closed: [], rows: 0, bytes: 0, samples: [] };
    this.#jobs.set(job, figures);
    const entry: OpenPage = { page, counters, inHand };
    const before = counters();
    figures.rows -= rowsOf(before);
    figures.bytes -= before.bytes;
    figures.open.add(entry);
    this.#timer ??= setInterval(() => this.#publish(), PUBLISH_MS).unref();
    return {
      close: () => {
        const after = counters();
        figures.open.delete(entry);
        figures.rows += rowsOf(after);
        figures.bytes += after.bytes;
        figures.closed = [...figures.closed, { page, counters: after, at: performance.now() }];
      },
    };
  }

  #publish(): void {
    const now = performance.now();
    for (const [job, figures] of this.#jobs) {
      const live = measure(figures, now);
      if (figures.open.size + figures.closed.length === 0) this.#jobs.delete(job);
      this.#status?.publishLive(job, this.#worker, live, TTL_MS).catch(() => undefined);
    }
    if (this.#jobs.size === 0) this.close();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function measure(figures: JobFigures, now: number): LiveFigures {
  figures.closed = figures.closed.filter((page) => now - page.at <= LINGER_MS);
  const pages: Record<string, Counters> = {};
  for (const page of figures.closed) pages[page.page] = page.counters;
  let counters = noCounters();
  let inFlight = 0;
  for (const page of figures.open) {
    const own = page.counters();
    pages[page.page] = own;
    counters = addCounters(counters, own);
    inFlight += page.inHand();
  }
  const rows = figures.rows + rowsOf(counters);
  const bytes = figures.bytes + counters.bytes;
  figures.samples = [...figures.samples.filter((s) => now - s.at <= WINDOW_MS), { at: now, rows, bytes }];
  const first = figures.samples[0];
  const seconds = first === undefined ? 0 : (now - first.at) / 1000;
  const rate = (last: number, before: number | undefined) => (seconds > 0 ? (last - (before ?? last)) / seconds : 0);
  return {
    counters,
    pages,
    inFlight,
    itemsPerSecond: rate(rows, first?.rows),
    bytesPerSecond: rate(bytes, first?.bytes),
  };
}
