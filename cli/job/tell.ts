import { setTimeout as pause } from 'node:timers/promises';
import { type ApiClient, ApiError } from '../../api/client.ts';
import { EXIT } from '../errors.ts';
import { exitCodeOf } from './exit-code.ts';
import { type Finding, loadFindings } from './findings.ts';
import { apiError, type Ending, type FollowOptions, follow } from './follow.ts';

/** A job followed to where it was left, the exit code that follows from it, and what of it was read. */
export interface Told {
  readonly ending: Ending;
  readonly findings: readonly Finding[];
  readonly exit: number;
}

/**
 * Follows a job, then tells its account (or that it was left running). Left running is never exit 0: 6 when its cancellation
 * was asked for, else 5, because how it ends is not known.
 * @throws CliError as `follow` does
 */
export async function followAndTell(options: FollowOptions): Promise<Told> {
  const { client, job, reporter } = options;
  try {
    const ending = await follow(options);
    if (ending.kind === 'detached') {
      reporter.detached(job, `dsx watch ${job}`);
      return { ending, findings: [], exit: ending.cancelRequested ? EXIT.cancelled : EXIT.failed };
    }
    const findings = await findingsOf(client, job, reporter.wanted);
    reporter.account(ending.job, findings);
    return { ending, findings, exit: exitCodeOf(ending.job) };
  } finally {
    reporter.close();
  }
}

/** Milliseconds between two tries, and how many: the account of a job that has ended is worth waiting for. */
const TRY_AGAIN_MS = 500;
const TRIES = 60;

/** The findings of a job that has ended, waiting for an API that is away for a moment. @throws CliError */
export async function findingsOf(client: ApiClient, job: string, wanted: number): Promise<Finding[]> {
  for (let left = TRIES; ; left -= 1) {
    try {
      return await loadFindings(client, job, wanted);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const mayPass = error.status === 0 || error.status >= 500;
      if (!mayPass || left <= 1) throw apiError(error);
      await pause(TRY_AGAIN_MS);
    }
  }
}
