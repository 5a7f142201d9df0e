import type { Command } from 'commander';
import { ApiError } from '../../api/client.ts';
import type { ControlJobAnswer, JobResource } from '../../api/contract.ts';
import { isFinal } from '../../domain/job.ts';
import { CliError, EXIT } from '../errors.ts';
import { dsxHome } from '../home.ts';
import { apiError, noSuchJob } from '../job/follow.ts';
import { addLimitOptions, type LimitOptions, limitsChange } from '../job/limit-options.ts';
import { clientOf } from '../job/occasion.ts';
import { limitsText, momentText } from '../render/limits.ts';
import { visible } from '../render/names.ts';
import { createOutput } from '../render/output.ts';
import { stateText } from '../render/progress.ts';
import { stacks } from '../stack/stacks.ts';
import { steeredStack } from './control.ts';
import type { Surroundings } from './scan.ts';

interface Options extends LimitOptions {
  readonly reason?: string;
  readonly json?: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('limits')
    .description('show or change the limits of a scan that runs; what is not named stays as it is')
    .argument('<job>', 'its id, as dsx jobs lists it');
  addLimitOptions(command)
    .option('--reason <text>', 'kept with the limits, for whoever looks at them')
    .option('--json', 'the answer as JSON')
    .action(async (job: string, options: Options) => {
      process.exitCode = await limits(job, options, { stacks, env: process.env, output: createOutput() });
    });
}

/**
 * Shows the limits of a job, or changes them first. Returns the exit code.
 * @throws CliError `no_stack` (failed), `no_such_job`, `job_ended`, `job_cancelling` (usage)
 */
export async function limits(
  job: string,
  options: Options,
  here: Pick<Surroundings, 'stacks' | 'env' | 'output'>,
): Promise<number> {
  const { output } = here;
  const change = limitsChange(options);
  if (change === undefined && options.reason !== undefined) {
    throw new CliError('usage', 'no_limit', 'a --reason goes with a limit; name one, as --items 8');
  }
  const client = clientOf(await steeredStack(job, 'obey a limit', { ...here, home: dsxHome(here.env) }));
  let told: JobResource | ControlJobAnswer;
  try {
    const { reason } = options;
    told =
      change === undefined
        ? await client.job(job)
        : await client.setLimits(job, { ...change, ...(reason !== undefined && { reason }) });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw error.status === 404 ? noSuchJob(job, error) : apiError(error);
  }
  if (isFinal(told.state)) {
    throw new CliError('usage', 'job_ended', `job ${job} has ended; see its account with: dsx watch ${job}`);
  }
  if (options.json === true) {
    const { state, idle, limits } = told;
    const shown = { job, state, ...(idle !== undefined && { idle }), ...(limits !== undefined && { limits }) };
    output.out(JSON.stringify(shown));
    return EXIT.ok;
  }
  output.out(`job ${job}: ${stateText(told)}`);
  output.out(`limits: ${limitsText(told.limits ?? {})}${whoText(told.limits)}`);
  return EXIT.ok;
}

function whoText(limits: JobResource['limits']): string {
  if (limits === undefined) return '';
  const why = limits.reason === undefined ? '' : `: ${visible(limits.reason)}`;
  return ` (set by ${visible(limits.by)}, ${momentText(limits.since)}${why})`;
}
