import type { ActionIntent, ActionRow } from '../../../domain/action.ts';
import { type Item, itemId, locationBytes } from '../../../domain/item.ts';
import type { OutcomeRow } from '../../../domain/outcome.ts';
import type { JobLedger } from '../../../ledger/ledger.ts';
import type { Account, CommitBody, ObjectRef, PageEntry } from '../../../ledger/types.ts';

/** Everything that the commits of a job name, read in whole. */
export interface JobRecord {
  /** Listed items by `page:ordinal`, of the last epoch of each lane. */
  readonly items: ReadonlyMap<string, Item>;
  /** Every row of every committed segment, in no particular order. */
  readonly rows: readonly OutcomeRow[];
  readonly actions: readonly ActionRow[];
  /** Rows of action objects that no commit names: of attempts whose result never counted. */
  readonly strayActions: readonly ActionRow[];
  readonly intents: readonly ActionIntent[];
  readonly account: Account | undefined;
}

/** Location as bytes, one character each: how everything here is compared with what lies on the disk. */
export function keyOf(row: { readonly location: string; readonly locationBytes?: string }): string {
  return locationBytes(row).toString('latin1');
}

/** @throws LedgerError for objects that are missing or damaged */
export async function readJob(job: JobLedger): Promise<JobRecord> {
  const bodies: CommitBody[] = [];
  for await (const { body } of job.commits()) bodies.push(body);
  const items = new Map<string, Item>();
  for (const { page, object } of await pagesOf(job, bodies)) {
    for (const [ordinal, item] of (await job.readPage(object)).entries()) items.set(itemId(page, ordinal), item);
  }
  const rows: OutcomeRow[] = [];
  const actions: ActionRow[] = [];
  const intents: ActionIntent[] = [];
  const named = new Set<string>();
  const read = new Set<string>();
  for (const body of bodies) {
    for (const { segment } of body.pages) rows.push(...(await job.readSegment(segment)));
    for (const { segment, intents: ordered } of body.actions) {
      named.add(segment.name);
      actions.push(...(await job.readActions(segment)));
      if (ordered === undefined || read.has(ordered.name)) continue;
      read.add(ordered.name);
      intents.push(...(await job.readIntents(ordered)));
    }
  }
  const strayActions = await straysOf(job, named);
  return { items, rows, actions, strayActions, intents, account: bodies.at(-1)?.account };
}

async function pagesOf(job: JobLedger, bodies: readonly CommitBody[]): Promise<PageEntry[]> {
  const lanes = new Map<number, { epoch: number; pages: PageEntry[] }>();
  for (const ref of bodies.flatMap((body): readonly ObjectRef[] => body.indexes)) {
    const index = await job.readIndex(ref);
    const lane = lanes.get(index.lane);
    if (lane === undefined || index.epoch > lane.epoch) {
      lanes.set(index.lane, { epoch: index.epoch, pages: [...index.pages] });
    } else if (index.epoch === lane.epoch) lane.pages.push(...index.pages);
  }
  return [...lanes.values()].flatMap(({ pages }) => pages);
}

async function straysOf(job: JobLedger, named: ReadonlySet<string>): Promise<ActionRow[]> {
  const rows: ActionRow[] = [];
  for await (const { name } of job.objects.list('actions')) {
    if (named.has(name)) continue;
    const { lines } = await job.objects.linesOf(name, undefined);
    rows.push(...lines.values<ActionRow>());
  }
  return rows;
}
