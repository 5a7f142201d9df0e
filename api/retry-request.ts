import { isFinal } from '../domain/job.ts';
import {
  leftOf,
  normalSelection,
  RETRIABLE,
  type RetryPlan,
  type RetrySelection,
  type Whole,
} from '../domain/retry.ts';
import { isLedgerError, LedgerError } from '../ledger/errors.ts';
import { type Chain, firstOf, linksOf, proveChain, readChain, relationsOf } from '../ledger/retry-chain.ts';
import { lookForSelected } from '../ledger/retry-listing.ts';
import type { JobHeader } from '../ledger/types.ts';
import type { StartRequest } from '../workflows/messages.ts';
import type { RetryJobBody } from './contract.ts';
import type { ApiDeps } from './deps.ts';
import type { Jobs } from './jobs.ts';
import { ApiProblem } from './problems.ts';
import { startRequest } from './start-request.ts';

/** How long a request looks for a row that is selected before it leaves that to the job, in milliseconds. */
const LOOK_MS = 3_000;
/** Retries of one chain: each reads those before it. */
const MAX_RETRIES = 100;

/**
 * What a retry of a job is started with. The job's ledger and those of its chain are proven on the way.
 * @throws ApiProblem `job_not_found`, `job_not_ended`, `nothing_to_retry`, `too_many_retries`, `ledger_unavailable` (damaged), and for
 * every choice that can't be; LedgerError
 */
export async function retryRequest(
  deps: ApiDeps,
  jobs: Jobs,
  job: string,
  body: RetryJobBody,
  actor: string,
): Promise<StartRequest> {
  const selection = selectionOf(body);
  try {
    const header = await endedHeader(jobs, job);
    const request = startOf(deps, header, body, actor);
    const chain = await chainOf(deps, header);
    if (chain.retries.length >= MAX_RETRIES) throw tooMany(job, chain);
    const plan: RetryPlan = { of: job, first: firstOf(header), ...selection, chain: linksOf(chain) };
    await refuseNothing(deps, plan, chain);
    const { chain: _, ...target } = plan;
    return { ...request, kind: 'retry', retry: target };
  } catch (error) {
    if (!isLedgerError(error, 'corrupt')) throw error;
    const detail = `${error.message} Nothing is retried from a ledger that is damaged.`;
    throw new ApiProblem('ledger_unavailable', detail, { cause: error, extra: { job, reason: error.code } });
  }
}

function selectionOf({ all, outcomes, classes, prefix }: RetryJobBody): RetrySelection {
  if (all === true && outcomes !== undefined) {
    const message = 'It stands for every outcome that can be retried; leave out "outcomes".';
    const detail = `body: all: ${message}`;
    throw new ApiProblem('request_invalid', detail, { extra: { in: 'body', errors: [{ field: 'all', message }] } });
  }
  return normalSelection({
    outcomes: all === true ? RETRIABLE : (outcomes ?? ['failed']),
    ...(classes !== undefined && { classes }),
    ...(prefix !== undefined && { prefix }),
  });
}

async function endedHeader(jobs: Jobs, job: string): Promise<JobHeader> {
  const ledger = await jobs.ledgerOf(job);
  const header = await ledger.header();
  if (header !== undefined && (await ledger.head())?.body.account !== undefined) return header;
  const { state } = await jobs.get(job);
  if (isFinal(state)) {
    const what = `Job ${job} has ended, and the last commit of its ledger is missing or damaged.`;
    throw new LedgerError('corrupt', `${job}/commits/`, `${what} "dsx ledger verify ${job}" tells more.`);
  }
  const why = `it is ${state}; wait for its end, or cancel it, and retry then`;
  throw new ApiProblem('job_not_ended', `Job ${job} can't be retried: ${why}.`, { extra: { job, state } });
}

/** The settings of the job, but for what the request says otherwise. The filter is no matter: exactly the rows are scanned. */
function startOf(deps: ApiDeps, { source, settings }: JobHeader, body: RetryJobBody, actor: string): StartRequest {
  const { action, quarantine, dryRun, scanner } = { ...settings, ...defined(body) };
  const { maxSize } = settings;
  const where = source.kind === 'connector' ? { connector: source.id } : { folder: source.path };
  const kept = { ...(quarantine !== undefined && { quarantine }), ...(maxSize !== undefined && { maxSize }) };
  return startRequest(deps, { ...where, filter: '', action, dryRun, scanner, ...kept }, actor);
}

function defined(body: RetryJobBody): Partial<Pick<RetryJobBody, 'action' | 'quarantine' | 'dryRun' | 'scanner'>> {
  const { action, quarantine, dryRun, scanner } = body;
  return {
    ...(action !== undefined && { action }),
    ...(quarantine !== undefined && { quarantine }),
    ...(dryRun !== undefined && { dryRun }),
    ...(scanner !== undefined && { scanner }),
  };
}

function tooMany(job: string, { first, retries }: Chain): ApiProblem {
  const detail = `Job ${first.header.job} was retried ${retries.length} times, which is the most. Scan anew.`;
  return new ApiProblem('too_many_retries', detail, { extra: { job, limit: MAX_RETRIES } });
}

async function chainOf(deps: ApiDeps, header: JobHeader): Promise<Chain> {
  const first = firstOf(header);
  const chain = await readChain(await deps.ledger.open(), first);
  if (chain !== undefined && linksOf(chain).some(({ job }) => job === header.job)) return chain;
  const what = `The first job ${first} of the chain of job ${header.job} has no account in this ledger.`;
  throw new LedgerError('corrupt', first, what);
}

/** @throws ApiProblem `nothing_to_retry` when no row is selected; says what is left, and which job closed the rest */
async function refuseNothing(deps: ApiDeps, plan: RetryPlan, chain: Chain): Promise<void> {
  const ledger = await deps.ledger.open();
  const proven = await proveChain(ledger, plan);
  const { whole } = chain;
  const { found, classes } =
    leftOf(whole, plan.outcomes) === 0 ? { found: false, classes: [] } : await lookForSelected(plan, proven, LOOK_MS);
  if (found !== false) return;
  const { closedBy } = await relationsOf(ledger, plan.of, plan.first);
  const closed = closedBy ?? (whole.state === 'completed' && chain.retries.length > 0 ? plan.of : undefined);
  const extra = { job: plan.of, left: whole.gaps, ...(closed !== undefined && { closedBy: closed }) };
  throw new ApiProblem('nothing_to_retry', nothingText(plan, whole, closed, classes), { extra });
}

function nothingText(plan: RetryPlan, whole: Whole, closedBy: string | undefined, classes: readonly string[]): string {
  const nothing = `Job ${plan.of} has nothing to retry`;
  if (closedBy !== undefined) return `${nothing}: 0 items are left; closed by job ${closedBy}.`;
  const outcomes = plan.outcomes.join(', ');
  if (leftOf(whole, plan.outcomes) === 0) {
    const others = leftOf(whole);
    const hint = others > 0 ? ` ${others} have other outcomes; name them, or ask for all.` : '';
    return `${nothing}: no item of it is ${outcomes}.${hint}`;
  }
  const known =
    classes.length === 0 ? '' : ` Those that are left and ${outcomes} have the classes ${classes.join(', ')}.`;
  return `${nothing} that matches.${known}`;
}
