import { isLedgerError } from '../ledger/errors.ts';
import { sameHeader } from '../ledger/job-ledger.ts';
import type { JobLedger } from '../ledger/ledger.ts';
import { foundBy } from '../ledger/restores.ts';
import type { JobHeader } from '../ledger/types.ts';
import type { OrchestratorDeps } from './deps.ts';
import { withPulse } from './pulse.ts';
import type { BeginJobInput, BegunJob, TakenJob } from './types.ts';

/**
 * Writes the job's header: the first object of its ledger, and what its first commit builds on. A job id made from an idempotency key may
 * come again after the job's end: a header that another run has written, or a note that the key joined another job, is left as it is, and
 * the run is told to do nothing. Runs of one job id never overlap, since they share their workflow id.
 * @throws LedgerError
 */
export function createBeginJob(deps: OrchestratorDeps): (input: BeginJobInput) => Promise<BegunJob> {
  return (input) => withPulse(() => begin(deps, input));
}

async function begin(
  deps: OrchestratorDeps,
  { job, kind, source, settings, actor, startedAt, intake, shard, bodyHash, retry, order, coverage }: BeginJobInput,
): Promise<BegunJob> {
  const ledger = deps.ledger.job(job);
  const header: JobHeader = {
    format: 1,
    job,
    kind,
    source,
    settings,
    actor,
    startedAt,
    ...(intake !== undefined && { intake }),
    ...(shard !== undefined && { shard }),
    ...(bodyHash !== undefined && { bodyHash }),
    ...(retry !== undefined && { retry }),
    ...(order !== undefined && { order }),
    ...(coverage !== undefined && { coverage }),
  };
  const found = bodyHash === undefined ? undefined : await takenBy(ledger, header);
  if (found !== undefined) return found;
  // Noted first: every retry that has a header is found from its first job, every restore from the job that found the findings.
  if (retry !== undefined) await deps.ledger.noteRetry(retry.first, job);
  if (order?.why === 'restore') {
    const of = await deps.ledger.job(order.job).header();
    await deps.ledger.noteRestore(of === undefined ? order.job : await foundBy(deps.ledger, of), job);
  }
  try {
    return await ledger.writeHeader(header);
  } catch (error) {
    const other = isLedgerError(error, 'conflict') ? await takenBy(ledger, header) : undefined;
    if (other === undefined) throw error;
    return other;
  }
}

async function takenBy(ledger: JobLedger, header: JobHeader): Promise<BegunJob | undefined> {
  const joined = await ledger.readJoin();
  if (joined !== undefined) {
    return { ...joined.ref, taken: { job: joined.join.joined, bodyHash: joined.join.bodyHash } };
  }
  const there = await ledger.readHeader();
  if (there === undefined || sameHeader(there.header, header)) return undefined;
  const head = await ledger.head();
  const account = head?.body.account;
  const { bodyHash } = there.header;
  const taken: TakenJob = {
    job: header.job,
    ...(bodyHash !== undefined && { bodyHash }),
    ...(head !== undefined &&
      account !== undefined && {
        ended: {
          state: account.state,
          listed: account.listed,
          counters: account.counters,
          actions: account.actions,
          root: head.hash,
        },
      }),
  };
  return { ...there.ref, taken };
}
