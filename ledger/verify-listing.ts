import { addCounters, type Counters, noCounters } from '../domain/outcome.ts';
import type { Link } from './chain.ts';
import type { JobLedger } from './job-ledger.ts';
import { parsePage } from './names.ts';
import type { Account, ActionResult, IndexBody, PageEntry, PageResult } from './types.ts';
import type { Problems } from './verify-report.ts';

/** A page as the commits tell it. */
export interface KnownPage {
  readonly entry: PageEntry;
  readonly lane: number;
  readonly number: number;
  /** In the last epoch of its lane. */
  readonly counts: boolean;
  readonly result: PageResult | undefined;
  /** The commit that holds the result. */
  readonly commit: string | undefined;
}

/** What the chain comes to, before any page is opened. Some hundred bytes a page. */
export interface Told {
  /** By lane and number. */
  readonly pages: readonly KnownPage[];
  readonly actions: readonly (ActionResult & { readonly commit: string })[];
  readonly outside: number;
  readonly folderGaps: number;
  /** The listing (lane 0) reached its end. */
  readonly listingDone: boolean;
  readonly account: Account | undefined;
  /** The last commit's name. */
  readonly head: string;
  /** Every object that a commit or an index names. */
  readonly named: ReadonlySet<string>;
}

/** Walks the chain forward and checks indexes, page results and sums against one another. */
export async function readChain(job: JobLedger, links: readonly Link[], problems: Problems): Promise<Told> {
  const named = new Set<string>();
  const indexes: { index: IndexBody; name: string }[] = [];
  const results = new Map<string, { result: PageResult; commit: string }>();
  const actions: (ActionResult & { commit: string })[] = [];
  let sum: Counters = noCounters();
  let account: Account | undefined;

  for (const { number, hash, name } of links) {
    named.add(name);
    const body = await problems.reading(name, () => job.readCommit(number, hash));
    if (body === undefined) continue;
    for (const ref of body.indexes) {
      if (named.has(ref.name)) problems.add('page', name, `It names ${ref.name}, which was named before.`);
      named.add(ref.name);
      const index = await problems.reading(ref.name, () => job.readIndex(ref));
      if (index !== undefined) indexes.push({ index, name: ref.name });
    }
    for (const result of body.pages) {
      named.add(result.segment.name);
      const before = results.get(result.page);
      if (before !== undefined)
        problems.add('page', name, `Page ${result.page} is closed a second time; ${before.commit} did it.`);
      else results.set(result.page, { result, commit: name });
      sum = addCounters(sum, result.counters);
    }
    for (const action of body.actions) {
      if (named.has(action.segment.name))
        problems.add('action', name, `It names ${action.segment.name}, which was named before.`);
      named.add(action.segment.name);
      if (action.intents !== undefined) named.add(action.intents.name);
      actions.push({ ...action, commit: name });
    }
    if (!sameCounters(sum, body.counters)) {
      problems.add('sum', name, 'Its counters are not the sums of the pages closed so far.');
    }
    account = body.account;
  }
  const listing = gather(indexes, results, named, problems);
  return { ...listing, actions, account, head: links.at(-1)?.name ?? 'commits/', named };
}

function gather(
  indexes: readonly { index: IndexBody; name: string }[],
  results: ReadonlyMap<string, { result: PageResult; commit: string }>,
  named: Set<string>,
  problems: Problems,
): Pick<Told, 'pages' | 'outside' | 'folderGaps' | 'listingDone'> {
  const lastEpoch = new Map<number, number>();
  for (const { index } of indexes) lastEpoch.set(index.lane, Math.max(index.epoch, lastEpoch.get(index.lane) ?? 0));
  const pages = new Map<string, KnownPage>();
  let outside = 0;
  let folderGaps = 0;
  let listingDone = false;
  for (const { index, name } of indexes) {
    const counts = index.epoch === lastEpoch.get(index.lane);
    if (counts) {
      outside += index.outside;
      folderGaps += index.gaps.count;
      if (index.lane === 0 && index.done) listingDone = true;
    }
    for (const entry of index.pages) {
      named.add(entry.object.name);
      const at = parsePage(entry.page);
      if (at === undefined || at.lane !== index.lane) {
        problems.add('page', name, `${JSON.stringify(entry.page)} can't be a page of lane ${index.lane}.`);
      } else if (pages.has(entry.page)) {
        problems.add('page', name, `Page ${entry.page} is listed a second time.`);
      } else {
        const closed = results.get(entry.page);
        pages.set(entry.page, { entry, ...at, counts, result: closed?.result, commit: closed?.commit });
      }
    }
  }
  for (const [page, { commit }] of results) {
    if (!pages.has(page)) problems.add('page', commit, `It closes page ${page}, which no index lists.`);
  }
  const sorted = [...pages.values()].sort((a, b) => a.lane - b.lane || a.number - b.number);
  return { pages: sorted, outside, folderGaps, listingDone };
}

export function sameCounters(a: Counters, b: Counters): boolean {
  if (a.bytes !== b.bytes || a.standIn !== b.standIn) return false;
  if ((a.allowed ?? 0) !== (b.allowed ?? 0) || (a.unchanged ?? 0) !== (b.unchanged ?? 0)) return false;
  return (Object.keys(noCounters().outcomes) as (keyof Counters['outcomes'])[]).every(
    (outcome) => a.outcomes[outcome] === b.outcomes[outcome],
  );
}
