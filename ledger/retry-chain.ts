import { addCounters, noCounters, OUTCOMES, type Outcome } from '../domain/outcome.ts';
import { type ChainLink, type RetryPlan, type Whole, wholeOf } from '../domain/retry.ts';
import { isLedgerError, LedgerError } from './errors.ts';
import type { JobLedger } from './job-ledger.ts';
import { type JobView, viewOf } from './job-view.ts';
import type { Ledger } from './ledger.ts';
import { HEADER_NAME } from './names.ts';
import { corrupt } from './ndjson.ts';
import type { Account, JobHeader } from './types.ts';

/** What of a ledger is needed to find a job's retries. */
export type Retries = Pick<Ledger, 'job' | 'retriesOf'>;

/** A job that has ended, as its ledger tells it. */
export interface EndedMember {
  readonly ledger: JobLedger;
  readonly header: JobHeader;
  readonly account: Account;
  readonly root: string;
}

/** A first job and its retries that have ended, in order: each retry saw exactly those before it. */
export interface Chain {
  readonly first: EndedMember;
  readonly retries: readonly EndedMember[];
  /** The account of all together. */
  readonly whole: Whole;
}

/** The first job of the chain that a job belongs to: itself, unless it is a retry. */
export function firstOf(header: JobHeader): string {
  return header.retry?.first ?? header.job;
}

/** The names and roots that prove a chain. */
export function linksOf({ first, retries }: Chain): ChainLink[] {
  return [first, ...retries].map(({ header, root }) => ({ job: header.job, root }));
}

/**
 * The chain of a first job. Retries that have not ended are left out: of one first job only one runs at a time, and what it retried
 * counts once it has its account; nor do those count that failed before they knew what to retry.
 * @returns undefined when there is no such job, or it has not ended
 * @throws LedgerError `corrupt` when one of the ledgers is damaged, or the retries do not follow one another; as reading does
 */
export async function readChain(ledger: Retries, first: string): Promise<Chain | undefined> {
  const head = await endedMember(ledger.job(first));
  if (head === undefined) return undefined;
  const retries: EndedMember[] = [];
  for (const name of await ledger.retriesOf(first)) {
    const retry = await endedMember(ledger.job(name));
    if (retry?.header.retry?.first === first && retry.account.whole !== undefined) retries.push(retry);
  }
  retries.sort((a, b) => chainLength(a) - chainLength(b) || (a.header.job < b.header.job ? -1 : 1));
  const before: ChainLink[] = [{ job: first, root: head.root }];
  let whole = wholeOf(first, head.account);
  for (const { header, account, root } of retries) {
    if (!sameChain(header.retry?.chain ?? [], before)) {
      const why = `it retries ${quotedChain(header.retry?.chain ?? [])}, and there is ${quotedChain(before)}`;
      throw corrupt(`${header.job}/${HEADER_NAME}`, why);
    }
    before.push({ job: header.job, root });
    whole = wholeOf(header.job, account);
  }
  return { first: head, retries, whole };
}

function chainLength({ header }: EndedMember): number {
  return header.retry?.chain?.length ?? 0;
}

function sameChain(a: readonly ChainLink[], b: readonly ChainLink[]): boolean {
  return a.length === b.length && a.every(({ job, root }, at) => job === b[at]?.job && root === b[at]?.root);
}

function quotedChain(chain: readonly ChainLink[]): string {
  return chain.map(({ job, root }) => `${job} (${root.slice(0, 16)})`).join(', ');
}

/** Undefined when there is no such job, or it has no account yet. */
export async function endedMember(job: JobLedger): Promise<EndedMember | undefined> {
  const { header, head } = (await job.state()) ?? {};
  if (header === undefined || head?.body.account === undefined) return undefined;
  return { ledger: job, header, account: head.body.account, root: head.hash };
}

/** A job of a chain whose ledger was found to be the one that the chain names. */
export interface ProvenMember {
  readonly ledger: JobLedger;
  readonly view: JobView;
  /** Outcomes that it retried; none for the first job. */
  readonly retried: readonly Outcome[];
}

/**
 * Opens the ledgers of a chain and proves each up to its root: header, commits, indexes, and the sums of the page results. Pages and
 * rows are proven by their hashes as they are read.
 * @throws LedgerError `corrupt` when one is not the ledger that the chain names, `not_found` when one is gone
 */
export async function proveChain(ledger: Pick<Ledger, 'job'>, plan: Pick<RetryPlan, 'chain'>): Promise<ProvenMember[]> {
  const proven: ProvenMember[] = [];
  for (const { job, root } of plan.chain) proven.push(await prove(ledger.job(job), root));
  return proven;
}

async function prove(job: JobLedger, root: string): Promise<ProvenMember> {
  const member = await endedMember(job);
  if (member === undefined) {
    throw new LedgerError('not_found', job.id, `The ledger of job ${job.id}, whose items are retried, is not there.`);
  }
  if (member.root !== root) {
    throw corrupt(`${job.id}/commits/`, `the chain ends in ${member.root}, and the retry began with ${root}`);
  }
  const view = await viewOf(job);
  let sum = noCounters();
  for (const page of view.closed) sum = addCounters(sum, page.counters);
  const told = member.account.counters;
  const agree =
    OUTCOMES.every((outcome) => sum.outcomes[outcome] === told.outcomes[outcome]) &&
    sum.bytes === told.bytes &&
    sum.standIn === told.standIn &&
    (sum.allowed ?? 0) === (told.allowed ?? 0) &&
    (sum.unchanged ?? 0) === (told.unchanged ?? 0);
  if (view.head !== root || !agree) {
    throw corrupt(`${job.id}/commits/`, 'the account does not agree with the pages that were closed');
  }
  return { ledger: job, view, retried: member.header.retry?.outcomes ?? [] };
}

/** What is to be told of a job besides its own account. */
export interface Relations {
  /** Later retries of the same chain, in order; those that have not ended are left out. */
  readonly retriedBy?: readonly string[];
  /** The retry after which nothing of the whole was left. */
  readonly closedBy?: string;
  /** The account of the whole as it is now. */
  readonly whole?: Whole;
}

/**
 * How the retries of a job changed what is left of it. Empty for a job without retries, and where the ledgers do not tell (damage is
 * for `verify` to report).
 * @throws LedgerError `not_readable`, `unavailable`, …
 */
export async function relationsOf(ledger: Retries, job: string, first: string): Promise<Relations> {
  let chain: Chain | undefined;
  try {
    chain = (await ledger.retriesOf(first)).length === 0 ? undefined : await readChain(ledger, first);
  } catch (error) {
    if (!isLedgerError(error, 'corrupt') && !isLedgerError(error, 'not_found')) throw error;
  }
  if (chain === undefined || chain.retries.length === 0) return {};
  const jobs = [first, ...chain.retries.map(({ header }) => header.job)];
  const at = jobs.indexOf(job);
  const later = at < 0 ? [] : jobs.slice(at + 1);
  const { whole } = chain;
  const closing = chain.retries.find(({ account }) => account.whole?.state === 'completed')?.header.job;
  return {
    ...(later.length > 0 && { retriedBy: later }),
    ...(closing !== undefined && closing !== job && { closedBy: closing }),
    whole,
  };
}
