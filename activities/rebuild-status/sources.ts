import type { Client } from '@temporalio/client';
import { isFinal, type JobProgress } from '../../domain/job.ts';
import { comesBehind } from '../../domain/job-order.ts';
import { findingsIn, findingsOf } from '../../ledger/findings.ts';
import { readableLedgerJob } from '../../ledger/job-progress.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { LedgerEntry, RebuildSources, RunningJob } from '../../status/rebuild.ts';
import { progressOfScan, type RunningScan, runningScans, uncommittedFindings } from './running-jobs.ts';

/** How long a workflow may take to answer, in milliseconds. */
const ANSWER_MS = 3_000;
/** Workflows that are asked at once. */
const ASKED_AT_ONCE = 8;

/** The truth about jobs: the workflows for what runs, the ledger for what has ended. */
export function rebuildSources(client: Client, ledger: Ledger): RebuildSources {
  async function ask(scan: RunningScan): Promise<RunningJob> {
    let progress: JobProgress | undefined;
    let answered = true;
    try {
      progress = await progressOfScan(client, scan.workflowId, ANSWER_MS);
    } catch {
      // No worker, or it has ended meanwhile: the ledger knows more, or at least what was asked for.
      const told = scan.job === undefined ? undefined : await readableLedgerJob(ledger.job(scan.job));
      progress = told?.progress;
      answered = told?.ended ?? false;
    }
    return { job: scan.job ?? progress?.job, progress, answered, findings: () => findings(scan.workflowId, progress) };
  }

  async function* findings(workflowId: string, progress: JobProgress | undefined) {
    if (progress === undefined) return;
    const job = ledger.job(progress.job);
    yield* findingsOf(job);
    if (isFinal(progress.state)) return;
    yield* findingsIn(job, await uncommittedFindings(client, workflowId, ANSWER_MS).catch(() => []));
  }

  return {
    async *running(limit) {
      let step: RunningScan[] = [];
      for await (const scan of runningScans(client, limit)) {
        step.push(scan);
        if (step.length < ASKED_AT_ONCE) continue;
        yield* await Promise.all(step.map(ask));
        step = [];
      }
      yield* await Promise.all(step.map(ask));
    },
    async account(job) {
      const told = await readableLedgerJob(ledger.job(job));
      return told?.ended ? told.progress : undefined;
    },
    async *ended(behind) {
      for (const start of await ledger.starts()) {
        if (!comesBehind(start, behind)) continue;
        const job = ledger.job(start.job);
        const told = await readableLedgerJob(job);
        const entry: LedgerEntry = {
          ...start,
          progress: told?.ended ? told.progress : undefined,
          findings: () => findingsOf(job),
        };
        yield entry;
      }
    },
  };
}
