import type { StartRequest } from '../workflows/messages.ts';
import type { StartJobAnswer } from './contract.ts';
import type { ApiDeps } from './deps.ts';
import { bindingOf, boundBefore } from './idempotency.ts';
import type { Jobs } from './jobs.ts';
import { links } from './start-job.ts';

/** A start that follows a job that has ended: a retry of it, or the apply of its plan. */
export interface Follower {
  readonly kind: Extract<StartRequest['kind'], 'retry' | 'apply'>;
  /** The job that it follows. */
  readonly of: string;
  readonly actor: string;
  readonly key: string | undefined;
  readonly body: object;
}

/**
 * Starts a follower with `start`, which makes its request keyed with what it is given, where it is given something. A key that stands for
 * a job already answers that job: before anything is refused, since by now there may be nothing left to retry or to apply.
 * @throws ApiProblem `idempotency_mismatch`, and what `start` throws; LedgerError
 */
export async function startFollower(
  deps: ApiDeps,
  jobs: Jobs,
  { kind, of, actor, key, body }: Follower,
  start: (keyed: (request: StartRequest) => StartRequest) => Promise<StartJobAnswer>,
): Promise<StartJobAnswer> {
  const header = key === undefined ? undefined : await (await jobs.ledgerOf(of)).header();
  if (key === undefined || header === undefined) return start((request) => request);
  const binding = bindingOf({ kind, source: header.source, actor }, key, { of, ...body });
  const before = await boundBefore(deps, binding);
  if (before !== undefined) return { ...before, links: links(before.job) };
  return start((request) => ({ ...request, ...binding }));
}
