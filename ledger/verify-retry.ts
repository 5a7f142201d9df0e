import type { Item } from '../domain/item.ts';
import { addCounters, type Counters, noCounters } from '../domain/outcome.ts';
import { countReplaced, type RetryPlan, type Whole, wholeAfter, wholeOf } from '../domain/retry.ts';
import { canonicalJson } from './canonical-json.ts';
import { LedgerError } from './errors.ts';
import type { JobLedger } from './job-ledger.ts';
import { HEADER_NAME, parseItem } from './names.ts';
import { endedMember, type ProvenMember, proveChain, type Retries } from './retry-chain.ts';
import { SelectedItems } from './retry-listing.ts';
import type { Account, JobHeader } from './types.ts';
import type { Sums } from './verify-account.ts';
import { type KnownPage, sameCounters, type Told } from './verify-listing.ts';
import type { Problems } from './verify-report.ts';

/** What a verification says of a retry. */
export interface RetryCheck {
  readonly of: string;
  readonly first: string;
  /**
   * Whether it was checked that exactly the selected rows were retried: `checked` against the ledgers of the chain; `not_there` when
   * one of them is not in this ledger; `not_asked` when only this job was given. What is wrong with it is among the problems.
   */
  readonly coverage: 'checked' | 'not_there' | 'not_asked';
}

/** Lines of the original ledgers read at once, in milliseconds of looking: a verification has no hurry. */
const PATIENCE_MS = 60_000;

/** Checks what only a retry has: the rows that it names, that they are the ones selected, and the account of the whole. */
export async function checkRetry(
  job: JobLedger,
  header: JobHeader,
  told: Told,
  sums: Sums,
  others: Retries | undefined,
  problems: Problems,
): Promise<RetryCheck | undefined> {
  const { retry, kind } = header;
  if ((kind === 'retry') !== (retry !== undefined)) {
    problems.add('retry', HEADER_NAME, 'The header is of a retry and does not say of what, or says it and is none.');
  }
  if (retry === undefined) return undefined;
  const { of, first, chain } = retry;
  if (chain === undefined) {
    if (told.pages.length > 0 || told.account?.whole !== undefined) {
      problems.add('retry', HEADER_NAME, 'It retried something, and its header does not say what it built on.');
    }
    return { of, first, coverage: 'not_asked' };
  }
  const plan: RetryPlan = { ...retry, chain };
  const members = others === undefined ? 'not_asked' : await membersOf(plan, others, problems);
  const known = Array.isArray(members) ? members : undefined;
  const replaced = await checkPages(job, plan, told, known, problems);
  if (told.account !== undefined)
    await checkWhole(told.account, header.job, plan, known, replaced, told, sums, problems);
  return { of, first, coverage: typeof members === 'string' ? members : 'checked' };
}

/** The ledgers of the chain, proven. A damaged one is a problem: then nothing is compared with it. */
async function membersOf(
  plan: RetryPlan,
  others: Retries,
  problems: Problems,
): Promise<ProvenMember[] | 'not_there' | 'checked'> {
  try {
    return await proveChain(others, plan);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    if (error.code === 'not_found') return 'not_there';
    if (error.code !== 'corrupt' && error.code !== 'invalid') throw error;
    problems.add('retry', error.object, error.message);
    return 'checked';
  }
}

/** Goes through the retried items in order, beside the rows that the selection gives. Returns what the rows replace. */
async function checkPages(
  job: JobLedger,
  plan: RetryPlan,
  told: Told,
  members: ProvenMember[] | undefined,
  problems: Problems,
): Promise<Counters> {
  let expected = members === undefined ? undefined : new SelectedItems(plan, members);
  let replaced = noCounters();
  for (const known of told.pages) {
    if (!known.counts) continue;
    const { entry } = known;
    const items = await problems.reading(entry.object.name, () => job.readPage(entry.object));
    if (items === undefined) {
      expected = undefined;
      continue;
    }
    replaced = addCounters(replaced, await checkReplaced(job, known, items, problems));
    if (known.lane > 0) continue;
    if (expected !== undefined && !(await asSelected(expected, known, items, problems))) expected = undefined;
  }
  if (expected === undefined || !told.listingDone) return replaced;
  const left = await nextOf(expected, problems);
  if (left !== undefined && left !== 'unknown') {
    const message = `The row ${left.retryOf} is selected, and was not retried; nor, perhaps, others behind it.`;
    problems.add('retry', told.head, message);
  }
  return replaced;
}

async function checkReplaced(
  job: JobLedger,
  { entry, result, commit }: KnownPage,
  items: readonly Item[],
  problems: Problems,
): Promise<Counters> {
  if (result === undefined) return noCounters();
  let counts = countReplaced(items);
  if (result.partial === true) {
    const rows = await problems.reading(result.segment.name, () => job.readSegment(result.segment));
    counts = countReplaced((rows ?? []).map((row) => items[parseItem(row.item)?.ordinal ?? -1]));
  }
  if (result.replaced === undefined || !sameCounters(result.replaced, counts)) {
    const message = `What page ${entry.page} says its rows replace is not the sum of what its items were.`;
    problems.add('sum', commit ?? '', message);
  }
  return counts;
}

/** Whether a page lists exactly what the selection gives next; only the first difference is told. */
async function asSelected(
  expected: SelectedItems,
  { entry }: KnownPage,
  items: readonly Item[],
  problems: Problems,
): Promise<boolean> {
  for (const [ordinal, item] of items.entries()) {
    const selected = await nextOf(expected, problems);
    if (selected === 'unknown') return false;
    if (selected !== undefined && canonicalJson(selected) === canonicalJson(item)) continue;
    const instead =
      selected === undefined ? 'nothing more is selected' : `${selected.retryOf} is what is selected next`;
    const message = `Item ${entry.page}:${ordinal} retries ${item.retryOf ?? 'nothing'}, and ${instead}, or it is listed otherwise.`;
    problems.add('retry', entry.object.name, message, ordinal + 2);
    return false;
  }
  return true;
}

async function nextOf(expected: SelectedItems, problems: Problems): Promise<Item | 'unknown' | undefined> {
  try {
    for (;;) {
      const found = await expected.next(PATIENCE_MS);
      if (found !== 'looking') return found;
    }
  } catch (error) {
    if (!(error instanceof LedgerError) || (error.code !== 'corrupt' && error.code !== 'not_found')) throw error;
    problems.add('retry', error.object, error.message);
    return 'unknown';
  }
}

async function checkWhole(
  account: Account,
  job: string,
  plan: RetryPlan,
  members: ProvenMember[] | undefined,
  replaced: Counters,
  told: Told,
  sums: Sums,
  problems: Problems,
): Promise<void> {
  const wrong = (message: string): void => problems.add('account', told.head, `The account of the whole: ${message}.`);
  const { whole } = account;
  if (whole === undefined) return wrong('it is missing');
  const jobs = [...plan.chain.map((link) => link.job), job];
  if (whole.of !== plan.first || canonicalJson(whole.jobs) !== canonicalJson(jobs)) {
    return wrong('it is about other jobs than the header names');
  }
  const before = members === undefined ? undefined : await wholeBefore(members);
  if (before === undefined) return;
  const added = told.pages
    .filter((page) => page.counts && page.lane > 0)
    .reduce((sum, page) => sum + page.entry.items, 0);
  const is = wholeAfter(before, { job, added, counters: sums.counters, replaced, gaps: account.gaps });
  if (canonicalJson(is) !== canonicalJson(whole)) wrong('it is not what the chain and the rows of this job come to');
}

async function wholeBefore(members: readonly ProvenMember[]): Promise<Whole | undefined> {
  const last = members.at(-1);
  const ended = last === undefined ? undefined : await endedMember(last.ledger);
  return ended === undefined ? undefined : wholeOf(ended.header.job, ended.account);
}
