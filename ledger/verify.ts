import { addCounters, noCounters } from '../domain/outcome.ts';
import { LedgerError } from './errors.ts';
import type { JobLedger } from './job-ledger.ts';
import { HEADER_NAME, isHash, JOIN_NAME, SWEPT_NAME } from './names.ts';
import { firstOf, type Retries, relationsOf } from './retry-chain.ts';
import type { StoredObject } from './store.ts';
import { checkAccount, type Sums } from './verify-account.ts';
import { ActionCheck } from './verify-actions.ts';
import { type CheckedChain, checkChain } from './verify-chain.ts';
import { readChain, type Told } from './verify-listing.ts';
import { checkPageRows } from './verify-page.ts';
import { Problems, type VerifyReport } from './verify-report.ts';
import { checkRetry } from './verify-retry.ts';
import { checkUnchanged } from './verify-unchanged.ts';

export type { Problem, ProblemCode, VerifyReport } from './verify-report.ts';

export interface VerifyOptions {
  /** The root hash that was printed at the end of the job, 64 hex digits in any case. */
  readonly root?: string;
  /** Where the other jobs are: those of a chain of retries, and those that judged what is unchanged. Without it a job is checked by itself alone. */
  readonly others?: Retries;
}

/** Strays named in a report. */
const STRAY_SAMPLES = 20;

/**
 * Reads everything that counts in a job's ledger and checks it: every hash, header, index, page, row, sum and the account. Memory
 * grows with the pages (some hundred bytes each) and findings (4 bytes each), never with the items. Changes nothing.
 * @throws LedgerError `not_found` (no such job), `invalid` (no root hash), `not_readable`, `unavailable`. What is wrong with the
 * ledger itself is reported, not raised.
 */
export async function verifyJob(job: JobLedger, options: VerifyOptions = {}): Promise<VerifyReport> {
  const root = options.root?.trim().toLowerCase();
  if (root !== undefined && !isHash(root)) {
    throw new LedgerError('invalid', 'root', `${JSON.stringify(options.root)} is no root hash: it has 64 hex digits.`);
  }
  const problems = new Problems();
  const objects: StoredObject[] = [];
  for await (const object of job.objects.list()) objects.push(object);
  if (objects.length === 0) {
    const what = `There is no job ${job.id} in this ledger. "dsx ledger jobs" lists the jobs.`;
    throw new LedgerError('not_found', job.id, what);
  }
  const header = await problems.reading(HEADER_NAME, () => job.readHeader());
  if (header === undefined) {
    if (problems.count === 0) problems.add('missing', HEADER_NAME, 'The job has no header; nothing can be checked.');
    const nothing = { commits: 0, pages: 0, items: 0, rows: 0, actions: 0 };
    return report(
      job,
      root,
      { links: [], later: 0, damaged: new Set() },
      undefined,
      nothing,
      noCounters(),
      objects,
      problems,
    );
  }
  const commits = objects.map(({ name }) => name).filter((name) => name.startsWith('commits/'));
  const chain = await checkChain(job.objects, commits, header.hash, root, problems);
  const told = await readChain(job, chain.links, problems);
  const { intake } = header.header;
  if (intake !== undefined) await problems.reading(intake.name, () => job.readIntake(intake));

  const actions = new ActionCheck(job, header.header, told, problems);
  await actions.readSegments();
  const checked = { commits: chain.links.length, pages: 0, items: 0, rows: 0, actions: actions.rows };
  const sizes = new Map(told.pages.map(({ entry }) => [entry.page, entry.items]));
  let sums: Sums = { items: 0, bytes: 0, counters: noCounters() };
  for (const page of told.pages) {
    const found = await checkPageRows(job, page, sizes, problems);
    if (page.result !== undefined) await actions.checkPage(page.entry.page, found);
    checked.pages += 1;
    checked.items += found.items;
    checked.rows += found.rows;
    if (!page.counts) continue;
    sums = {
      items: sums.items + page.entry.items,
      bytes: sums.bytes + page.entry.bytes,
      counters: addCounters(sums.counters, found.counters),
    };
  }
  if (header.header.kind === 'apply') await actions.checkIntents();
  actions.finish();
  if (told.account !== undefined) checkAccount(told.account, header.header, told, sums, actions, problems);
  const { others } = options;
  const retry = await checkRetry(job, header.header, told, sums, others, problems);
  const unchanged = await checkUnchanged(job, header.header, told, others, problems);
  const relations = others === undefined ? {} : await relationsOf(others, job.id, firstOf(header.header));
  return {
    ...report(job, root, chain, told, checked, sums.counters, objects, problems),
    ...(retry !== undefined && { retry }),
    ...(unchanged !== undefined && { unchanged }),
    ...(relations.whole !== undefined && { relations }),
  };
}

function report(
  job: JobLedger,
  root: string | undefined,
  chain: CheckedChain,
  told: Told | undefined,
  checked: VerifyReport['checked'],
  counters: VerifyReport['counters'],
  objects: readonly StoredObject[],
  problems: Problems,
): VerifyReport {
  const head = chain.links.at(-1);
  if (root !== undefined && head?.hash !== root && problems.count === 0) {
    problems.add('root', head?.name ?? 'commits/', `The job has no commit with the hash ${root}.`);
  }
  const consistent = problems.count === 0;
  const authentic = consistent && root !== undefined && head?.hash === root;
  return {
    job: job.id,
    ok: consistent && (root === undefined || authentic),
    consistent,
    authentic,
    ...(root !== undefined && { root }),
    ...(head !== undefined && { head: { number: head.number, hash: head.hash } }),
    ...(told?.account !== undefined && { state: told.account.state }),
    later: chain.later,
    checked,
    counters,
    problems: problems.kept,
    problemCount: problems.count,
    strays: straysOf(objects, told?.named ?? new Set(), chain.damaged),
  };
}

/** Objects of a job that no commit names, and that belong there. */
const OURS: readonly string[] = [HEADER_NAME, JOIN_NAME, SWEPT_NAME];

/** Intents and intakes are written before anything names them, and kept: they are no strays. */
function straysOf(objects: readonly StoredObject[], named: ReadonlySet<string>, damaged: ReadonlySet<string>) {
  let count = 0;
  let bytes = 0;
  const samples: string[] = [];
  for (const { name, size } of objects) {
    if (OURS.includes(name) || named.has(name) || damaged.has(name)) continue;
    if (name.startsWith('intents/') || name.startsWith('intake/')) continue;
    count += 1;
    bytes += size;
    if (samples.length < STRAY_SAMPLES) samples.push(name);
  }
  return { count, bytes, samples };
}
