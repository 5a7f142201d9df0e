import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type {
  AppliedActions,
  ApplyActionsInput,
  Checkpoint,
  PlanActionsInput,
  PlannedActions,
  PlannedTurn,
  PlanPagesInput,
  ProbeResult,
  ScanPageInput,
  ScanPageResult,
} from '../../../activities/types.ts';
import { writerOf } from '../../../activities/writer.ts';
import { noActions } from '../../../domain/action.ts';
import { pageId } from '../../../domain/item.ts';
import { noCounters } from '../../../domain/outcome.ts';
import type { CommitBody } from '../../../ledger/types.ts';
import { Books } from './books.ts';
import { reference, SimulatedStorage } from './storage.ts';

/** The largest checkpoint that there may be. */
const CHECKPOINT_BYTES = 8 * 1024;
/** One page in so many is handed back once before it closes, at the end of its turn or at a closed door. */
const OPEN = { every: 40, at: 7 };
const BLOCKED = { every: 500, at: 123 };
/** One batch of actions in so many meets an item that has changed. */
const RESCAN_EVERY = 10;

/** A job's world without storage, scanner and ledger: every activity answers at once, and keeps books. */
export class Simulation {
  readonly storage: SimulatedStorage;
  readonly books: Books;
  readonly #header = reference('commits', 'header', { run: '-', activity: '-', attempt: 0 });
  readonly #closed = new Set<string>();
  readonly #watchers: { readonly pages: number; readonly tell: () => void }[] = [];
  readonly #holdAt: number;
  /** Every probe fails. */
  #isAway = false;
  readonly #away = Promise.withResolvers<void>();
  #batches = 0;
  /** Items that were listed again. */
  rescans = 0;
  actionsDone = 0;
  actionsRefused = 0;
  blockedPages = 0;

  /** @param holdAt number of the page at which the scanner goes away until it is told `scannerBack` */
  constructor(items: number, pageItems: number, holdAt: number) {
    this.storage = new SimulatedStorage(items, pageItems);
    this.books = new Books(this.#header);
    this.#holdAt = holdAt;
  }

  get pagesClosed(): number {
    return this.#closed.size;
  }

  /** Resolves when so many pages have closed, or the job is over. */
  closed(pages: number): Promise<void> {
    return new Promise((tell) => {
      if (this.#closed.size >= pages) tell();
      else this.#watchers.push({ pages, tell });
    });
  }

  /** All activities that a full scan calls, under their names. */
  activities() {
    return {
      beginJob: async () => this.#header,
      openJob: async () => ({ fingerprint: 'simulated' }),
      publishStatus: async () => undefined,
      commitPages: async (body: CommitBody) => booked(() => this.books.write(body)),
      probe: async () => this.#probe(),
      planPages: async (input: PlanPagesInput) => this.#plan(input),
      scanPage: async (input: ScanPageInput) => this.#scan(input.page, input.checkpoint),
      planActions: async ({ page }: PlanActionsInput): Promise<PlannedActions> => ({
        count: page.counters.outcomes.malicious,
        intents: reference('intents', page.page, writer()),
      }),
      applyActions: async (input: ApplyActionsInput) => this.#apply(input.to - input.from, input.rescanPage),
    };
  }

  #plan({ after, firstPage, pages, pageItems }: PlanPagesInput): PlannedTurn {
    return { ...this.storage.list(after, firstPage, pages, pageItems, writer()), outside: 0, gaps: 0 };
  }

  /** The job is over: nobody waits for what will not come any more. */
  end(): void {
    for (const { tell } of this.#watchers) tell();
    this.#away.resolve();
  }

  /** Resolves when a probe has found the scanner away, or the job is over. */
  get scannerAway(): Promise<void> {
    return this.#away.promise;
  }

  /** Ends the scanner's absence: the next probe succeeds. */
  scannerBack(): void {
    this.#isAway = false;
  }

  #probe(): ProbeResult {
    if (!this.#isAway) return { ok: true };
    this.#away.resolve();
    return { ok: false, code: 'scanner_unreachable', detail: 'the simulated scanner is away' };
  }

  #scan(page: string, checkpoint: Checkpoint | undefined): ScanPageResult {
    const [lane, number] = page.split('-').map(Number) as [number, number];
    const fresh = lane === 0 && checkpoint === undefined;
    if (fresh && number === this.#holdAt) this.#isAway = true;
    if (fresh && (number % BLOCKED.every === BLOCKED.at || number === this.#holdAt)) {
      this.blockedPages += 1;
      const detail = 'the simulated scanner does not answer';
      return { end: 'blocked', checkpoint: largeCheckpoint(), code: 'scanner_unreachable', detail };
    }
    if (fresh && number % OPEN.every === OPEN.at) {
      return { end: 'open', checkpoint: largeCheckpoint(), why: 'turn' };
    }
    booked(() => this.#close(page));
    const items = this.storage.itemsOf(page);
    const listing = reference('pages', page, writer());
    const segment = reference('segments', page, writer());
    return { end: 'closed', result: { page, listing, items, segment, counters: this.storage.countersOf(page) } };
  }

  #close(page: string): void {
    if (this.books.has(page)) throw new Error(`page ${page} is scanned again after it was committed`);
    this.#closed.add(page);
    for (const { pages, tell } of this.#watchers) if (this.#closed.size >= pages) tell();
  }

  #apply(count: number, rescanPage: number): AppliedActions {
    const changed = this.#batches++ % RESCAN_EVERY === RESCAN_EVERY - 1 ? 1 : 0;
    this.actionsDone += count - changed;
    this.actionsRefused += changed;
    this.rescans += changed;
    const segment = reference('actions', `${rescanPage}`, writer());
    const counts = { ...noActions(), done: count - changed, refused: changed };
    const rescan = changed ? this.storage.listAgain(pageId(1, rescanPage), writer()) : undefined;
    return { result: { segment, counts }, unresolved: 0, ...(rescan && { rescan }) };
  }
}

function writer() {
  return writerOf(Context.current().info);
}

/** What is wrong with the books fails the job: it must not be tried again until it fits. */
function booked<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw ApplicationFailure.nonRetryable((error as Error).message, 'simulation');
  }
}

/** A checkpoint of a page whose items were all in hand at deaths of workers: the dearest one there is. */
function largeCheckpoint(): Checkpoint {
  const bare = {
    v: 1,
    done: '',
    hands: Array.from({ length: 64 }, (_, i) => 4_000 + i),
    counters: noCounters(),
  } as const;
  const part = reference('parts', '0-0_1', writer()).name;
  const rest = { ...bare, part, parts: 60, calm: true };
  return { ...rest, done: 'A'.repeat(CHECKPOINT_BYTES - JSON.stringify(rest).length) };
}
