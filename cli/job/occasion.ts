import { type ApiClient, createApiClient } from '../../api/client.ts';
import { isFinal } from '../../domain/job.ts';
import { apiFetch } from '../api-trust.ts';
import { CliError } from '../errors.ts';
import type { Stack, StackOptions, Stacks } from '../stack/contract.ts';
import type { Interrupts } from './interrupts.ts';

export interface Occasion {
  readonly stack: Stack;
  readonly client: ApiClient;
  /** True when this command started the stack. */
  readonly ours: boolean;
  /** Leaves the stack up at the end. */
  keep(): void;
  /** Stops a stack that is ours, unless it was kept or other jobs still run on it. */
  close(): Promise<void>;
}

/**
 * The running stack, or one started for the occasion.
 * @throws CliError `interrupted` (cancelled) when Ctrl-C or SIGTERM came while it was starting: it is stopped again
 */
export async function openOccasion(
  stacks: Stacks,
  found: Stack | undefined,
  options: StackOptions,
  interrupts: Interrupts,
  say: (line: string) => void,
): Promise<Occasion> {
  interrupts.onChange(() => say('interrupted: the stack is stopped as soon as it is up'));
  const { stack, ours } = found === undefined ? await startOne(stacks, options, say) : { stack: found, ours: false };
  interrupts.onChange(undefined);
  const client = clientOf(stack);
  let kept = !ours;
  const occasion: Occasion = {
    stack,
    client,
    ours,
    keep() {
      kept = true;
    },
    async close() {
      if (kept) return;
      kept = true;
      const others = await runningJobs(client);
      if (others.length > 0) {
        say(`the stack stays up, because it still runs ${others.join(', ')}; stop it with: dsx down`);
        return;
      }
      await stacks.stop(stack.home);
    },
  };
  if (interrupts.count() > 0 || interrupts.terminated()) {
    await occasion.close();
    throw new CliError('cancelled', 'interrupted', 'interrupted before anything began: nothing was scanned');
  }
  return occasion;
}

/** Another command may start one in the same moment: then that one is used. */
async function startOne(
  stacks: Stacks,
  options: StackOptions,
  say: (line: string) => void,
): Promise<{ stack: Stack; ours: boolean }> {
  say('no stack is up: starting one for this command');
  try {
    return { stack: await stacks.start(options), ours: true };
  } catch (error) {
    const stack = await stacks.find(options.home);
    if (stack === undefined) throw error;
    say('another command has just started one: using that');
    return { stack, ours: false };
  }
}

export function clientOf(stack: Pick<Stack, 'api' | 'apiKey'>): ApiClient {
  return createApiClient({
    origin: stack.api,
    fetch: apiFetch(),
    ...(stack.apiKey !== undefined && { key: stack.apiKey }),
  });
}

/** Jobs that have not ended, as far as the API can tell; none when it can't. */
async function runningJobs(client: ApiClient): Promise<string[]> {
  try {
    const { jobs } = await client.jobs({ limit: 100 });
    return jobs.filter((job) => !isFinal(job.state)).map((job) => job.job);
  } catch {
    return [];
  }
}
