import { InvalidArgumentError } from 'commander';
import { type ApiClient, ApiError, type Named } from '../../api/client.ts';
import type { Surroundings } from '../commands/scan.ts';
import { CliError } from '../errors.ts';
import { dsxHome } from '../home.ts';
import { visible } from '../render/names.ts';
import { createOutput } from '../render/output.ts';
import { stacks } from '../stack/stacks.ts';
import { apiError } from './follow.ts';
import { listenForInterrupts } from './interrupts.ts';
import { openOccasion } from './occasion.ts';
import { readSettings } from './settings.ts';
import { expectConnector, resolveTarget, type Target } from './target.ts';

/** What the API is asked about: a connector, or a folder by its path. */
export function namedOf(target: Target): Named {
  return target.kind === 'folder' ? { folder: target.path } : { connector: target.id };
}

/** As it may be printed. */
export function targetText(target: Target): string {
  return target.kind === 'folder' ? visible(target.path) : visible(target.id);
}

/**
 * Asks the running stack, or one that is started for the occasion and needs no scanner. An interrupt fires the signal,
 * unless `ask` listens for interrupts itself. No stack is started for a target that is not configured.
 * @throws CliError
 */
export async function withStack<T>(
  here: Surroundings,
  ask: (client: ApiClient, signal: AbortSignal) => Promise<T>,
  target?: Target,
): Promise<T> {
  const home = dsxHome(here.env);
  const settings = readSettings(here.env, home);
  const say = (line: string): void => here.output.err(line);
  const found = await here.stacks.find(home);
  if (found === undefined && target?.kind === 'connector') expectConnector(settings.connectors, target.id);
  const wanted = { home, env: here.env, say, skip: ['standin'] as const };
  const occasion = await openOccasion(here.stacks, found, wanted, here.interrupts, say);
  const gone = new AbortController();
  here.interrupts.onChange(() => gone.abort(new CliError('cancelled', 'interrupted', 'interrupted')));
  try {
    return await ask(occasion.client, gone.signal);
  } catch (error) {
    throw error instanceof ApiError ? apiError(error) : error;
  } finally {
    here.interrupts.onChange(undefined);
    await occasion.close();
  }
}

/** The same about a folder or a connector, by what was written. @throws CliError */
export async function withTarget<T>(
  text: string,
  here: Surroundings,
  ask: (client: ApiClient, target: Target, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const target = await resolveTarget(text, here.cwd);
  return withStack(here, (client, signal) => ask(client, target, signal), target);
}

/** Runs a command in the surroundings of this process, and sets its exit code. */
export async function inProcess(run: (here: Surroundings) => Promise<number>): Promise<void> {
  const interrupts = listenForInterrupts();
  try {
    process.exitCode = await run({ stacks, env: process.env, cwd: process.cwd(), output: createOutput(), interrupts });
  } finally {
    interrupts.close();
  }
}

/** Most that one answer of the API shows. */
const MOST = 1_000;

export function shownArgument(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text) && Number(text) <= MOST) return Number(text);
  throw new InvalidArgumentError(`A whole number from 1 to ${MOST}.`);
}

/** @throws CliError when a connector is needed and something else was named */
export function connectorId(target: Target): string {
  if (target.kind === 'connector') return target.id;
  throw new CliError(
    'usage',
    'not_a_connector',
    `${visible(target.path)} is a folder; name a connector: dsx connectors`,
  );
}
