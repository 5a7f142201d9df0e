import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiClient } from '../../api/client.ts';
import type { JobResource } from '../../api/contract.ts';
import { messageOf } from '../../domain/errors.ts';
import { CliError, EXIT } from '../errors.ts';
import { follow } from '../job/follow.ts';
import type { Interrupts } from '../job/interrupts.ts';
import { clientOf } from '../job/occasion.ts';
import type { Reporter } from '../job/reporter.ts';
import { STAND_IN } from '../job/scanner-choice.ts';
import { findingsOf } from '../job/tell.ts';
import { counted } from '../render/units.ts';
import type { Stack, Stacks } from '../stack/contract.ts';
import { checkAccount, takeSnapshots } from './check.ts';
import { type Corpus, DEMO_MAX_SIZE, makeCorpus } from './corpus.ts';
import { verifyLedger } from './verify.ts';

export interface DemoSurroundings {
  readonly stacks: Stacks;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly reporter: Reporter;
  readonly interrupts: Interrupts;
  /** Told the verdict before the account is. */
  readonly verdict: (differences: readonly string[]) => void;
}

/** What a demo leaves behind when it was asked to. */
export interface Kept {
  readonly base: string;
  readonly sample: string;
  readonly stack: Stack;
}

/**
 * Makes a sample, scans it on a stack of its own, and compares the account with what the sample holds. Stops the stack and
 * removes its folders, unless `keep`. Returns 0 only if the account is exact.
 * @throws CliError
 */
export async function runDemo(keep: boolean, here: DemoSurroundings): Promise<{ exit: number; kept?: Kept }> {
  const { reporter, interrupts } = here;
  const base = await realpath(await mkdtemp(join(tmpdir(), 'dsx-demo-')));
  const home = join(base, 'home');
  let keeping = false;
  try {
    const corpus = await makeCorpus(base);
    const before = await takeSnapshots(corpus);
    reporter.note(`a sample of ${counted(before.folder.size, 'item')} is in ${corpus.folder}`);
    for (const left of corpus.leftOut) reporter.note(`this file system would not hold ${left}: left out`);
    stopIfInterrupted(interrupts);
    interrupts.onChange(() => reporter.note('interrupted: the stack is stopped as soon as it is up'));
    const stack = await here.stacks.start({ home, env: here.env, isolated: true, say: (line) => reporter.note(line) });
    reporter.note(`while this runs, the API answers at ${stack.api}`);
    if (stack.temporalUi !== undefined) reporter.note(`and the Temporal UI at ${stack.temporalUi}`);
    stopIfInterrupted(interrupts);
    const client = clientOf(stack);
    const job = await scanSample(client, corpus, here);
    const findings = await findingsOf(client, job.job, reporter.wanted);
    const verify = (): Promise<readonly string[]> => verifyLedger(stack.ledger, job);
    const differences = await checkAccount({ corpus, before, job, client, verify });
    reporter.account(job, findings);
    here.verdict(differences);
    const exit = differences.length === 0 ? EXIT.ok : job.state === 'cancelled' ? EXIT.cancelled : EXIT.failed;
    keeping = keep;
    return keep ? { exit, kept: { base, sample: corpus.folder, stack } } : { exit };
  } finally {
    reporter.close();
    if (!keeping) await clean(here.stacks, home, base, reporter);
  }
}

async function scanSample(client: ApiClient, corpus: Corpus, here: DemoSurroundings): Promise<JobResource> {
  const { reporter, interrupts } = here;
  const body = { folder: corpus.folder, action: 'move', scanner: STAND_IN, maxSize: DEMO_MAX_SIZE } as const;
  const { job, joined } = await client.startJob(body);
  reporter.started(job, joined);
  const ending = await follow({ client, job, reporter, interrupts, onInterrupt: 'cancel' });
  if (ending.kind === 'ended') return ending.job;
  throw new CliError('cancelled', 'interrupted', 'the demo was interrupted; nothing of it is left');
}

function stopIfInterrupted(interrupts: Interrupts): void {
  if (interrupts.count() === 0 && !interrupts.terminated()) return;
  throw new CliError('cancelled', 'interrupted', 'the demo was interrupted before its scan; nothing of it is left');
}

/** Nothing of a demo stays running or lying about; what can't be removed is named. */
async function clean(stacks: Stacks, home: string, base: string, reporter: Reporter): Promise<void> {
  try {
    await stacks.stop(home);
    await rm(base, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    reporter.note(`${base} could not be cleaned away: ${messageOf(error)}`);
  }
}
