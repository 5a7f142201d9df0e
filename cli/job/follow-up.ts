import { type ApiClient, ApiError } from '../../api/client.ts';
import type { StartJobAnswer } from '../../api/contract.ts';
import type { Surroundings } from '../commands/scan.ts';
import { dsxHome } from '../home.ts';
import { apiError, noSuchJob } from './follow.ts';
import { headerFromLedger, ledgerAt } from './from-ledger.ts';
import { createJsonReporter } from './json-reporter.ts';
import { openOccasion } from './occasion.ts';
import { tellToTheEnd } from './tell-to-the-end.ts';
import { createTextReporter } from './text-reporter.ts';

/**
 * Starts a job that carries out what another one found, and tells its account; returns the exit code. With no stack up, one is started
 * for it, without a scanner: such a job judges nothing.
 * @param of the other job, which must be known to the stack or the ledger
 * @throws CliError `no_such_job` (usage), and what starting a stack raises
 */
export async function followUp(
  of: string,
  options: { readonly detach?: boolean; readonly json?: boolean },
  { stacks, env, output, interrupts }: Surroundings,
  start: (client: ApiClient) => Promise<StartJobAnswer>,
): Promise<number> {
  const say = (line: string): void => output.err(line);
  const home = dsxHome(env);
  const found = await stacks.find(home);
  const header = found === undefined ? await headerFromLedger(ledgerAt(env, home), of) : undefined;
  if (found === undefined && header === undefined) throw noSuchJob(of);
  const stack = { home, env, say, skip: ['standin'] as const };
  const occasion = await openOccasion(stacks, found, stack, interrupts, say);
  try {
    const started = await start(occasion.client).catch((error: unknown) => {
      if (!(error instanceof ApiError)) throw error;
      throw error.code === 'job_not_found' ? noSuchJob(of, error) : apiError(error);
    });
    const reporter = options.json === true ? createJsonReporter(output) : createTextReporter(output);
    return await tellToTheEnd(occasion, started, { detach: options.detach === true, reporter, interrupts, say });
  } finally {
    await occasion.close();
  }
}
