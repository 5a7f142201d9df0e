import { type ApiClient, ApiError } from '../../api/client.ts';
import type { JobResource } from '../../api/contract.ts';
import { isFinal } from '../../domain/job.ts';
import { CliError } from '../errors.ts';
import { visible } from '../render/names.ts';
import type { Interrupts } from './interrupts.ts';
import type { Reporter } from './reporter.ts';

/** How following ended: the job has ended, or was left running. */
export type Ending =
  | { readonly kind: 'ended'; readonly job: JobResource }
  | { readonly kind: 'detached'; readonly cancelRequested: boolean };

export interface FollowOptions {
  readonly client: ApiClient;
  readonly job: string;
  readonly reporter: Reporter;
  readonly interrupts: Interrupts;
  /** What the first Ctrl-C does. The second one, SIGTERM and SIGHUP always detach. */
  readonly onInterrupt: 'cancel' | 'detach';
  /** Leaves when this says so, looked at with each event (nobody reads the output any more). */
  readonly unread?: () => boolean;
  /** Milliseconds without the API after which following gives up. */
  readonly giveUpMs?: number;
}

/** Without an event for this long the API is asked directly, so that its loss is seen. */
const QUIET_MS = 5_000;
const GIVE_UP_MS = 120_000;
/** Findings whose repetition after a reconnection is noticed. */
const REMEMBERED = 100_000;

/**
 * Follows a job to its end over restarts of the API.
 * @throws CliError `no_such_job` (usage), `api_lost` (failed) when the API stayed away too long
 */
export async function follow(options: FollowOptions): Promise<Ending> {
  const { client, job, reporter, interrupts } = options;
  const leave = new AbortController();
  const cancelling = { requested: false };
  const react = (): void => {
    const first = interrupts.count() > 0 && !cancelling.requested && options.onInterrupt === 'cancel';
    if (interrupts.terminated() || interrupts.count() > 1 || (interrupts.count() > 0 && !first)) leave.abort();
    else if (first) {
      cancelling.requested = true;
      reporter.note('cancelling; press Ctrl-C again to leave the job to itself');
      void requestCancel(client, job, reporter).then((sent) => {
        cancelling.requested = sent;
      });
    }
  };
  interrupts.onChange(react);
  react();

  let lastEvent = performance.now();
  let away = false;
  let asking = false;
  const watchdog = setInterval(() => {
    if (performance.now() - lastEvent < QUIET_MS || asking || leave.signal.aborted) return;
    asking = true;
    client
      .job(job)
      .then(
        (now) => {
          if (away) reporter.note('the API answers again');
          away = false;
          if (!isFinal(now.state)) reporter.progress(now);
        },
        (error: unknown) => {
          if (!away) reporter.note(`${describe(error)}; the job does not depend on it, trying again`);
          away = true;
        },
      )
      .finally(() => {
        asking = false;
      });
  }, QUIET_MS / 2);
  const seen = new Set<string>();
  try {
    const events = client.events(job, { signal: leave.signal, giveUpMs: options.giveUpMs ?? GIVE_UP_MS });
    for await (const event of events) {
      lastEvent = performance.now();
      if (event.type === 'end') return { kind: 'ended', job: event.job };
      if (event.type === 'progress') reporter.progress(event.job);
      else if (!seen.has(event.row.item)) {
        if (seen.size < REMEMBERED) seen.add(event.row.item);
        reporter.finding(event.row);
      }
      if (options.unread?.() === true) break;
    }
    return { kind: 'detached', cancelRequested: cancelling.requested };
  } catch (error) {
    throw followError(error, job);
  } finally {
    clearInterval(watchdog);
    interrupts.onChange(undefined);
  }
}

/** False when the API did not take it. */
async function requestCancel(client: ApiClient, job: string, reporter: Reporter): Promise<boolean> {
  try {
    await client.cancel(job, 'interrupted at the terminal');
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.code === 'job_ended') return true;
    reporter.note(`the job could not be cancelled: ${describe(error)}; try again with: dsx cancel ${job}`);
    return false;
  }
}

function followError(error: unknown, job: string): unknown {
  if (!(error instanceof ApiError)) return error;
  if (error.status === 404) return noSuchJob(job, error);
  if (error.status !== 0 && error.status < 500) return apiError(error);
  const message = `${error.detail}. The job goes on as long as its workers do; once the API is back: dsx watch ${job}`;
  return new CliError('failed', 'api_lost', message, { cause: error });
}

export function noSuchJob(job: string, cause?: unknown): CliError {
  return new CliError('usage', 'no_such_job', `no job ${visible(job)} is known here; list them with: dsx jobs`, {
    cause,
  });
}

/** What the API refused, as an error of the command line: usage when the request was at fault, else failed. */
export function apiError(error: ApiError): CliError {
  const usage = error.status >= 400 && error.status < 500 && error.status !== 408 && error.status !== 429;
  return new CliError(usage ? 'usage' : 'failed', error.code, error.detail, { cause: error });
}

/** What the API answers. @throws CliError when it refused */
export async function asked<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw error instanceof ApiError ? apiError(error) : error;
  }
}

function describe(error: unknown): string {
  return error instanceof ApiError ? error.detail : String(error);
}
