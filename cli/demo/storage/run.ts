import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { ApiClient } from '../../../api/client.ts';
import type { JobResource, StartJobAnswer } from '../../../api/contract.ts';
import { messageOf } from '../../../domain/errors.ts';
import type { OutcomeRow } from '../../../domain/outcome.ts';
import { CliError, EXIT } from '../../errors.ts';
import { follow } from '../../job/follow.ts';
import { clientOf } from '../../job/occasion.ts';
import { STAND_IN } from '../../job/scanner-choice.ts';
import { findingsOf } from '../../job/tell.ts';
import { counted } from '../../render/units.ts';
import { DEMO_MAX_SIZE } from '../corpus.ts';
import type { DemoSurroundings } from '../run.ts';
import { verifyLedger } from '../verify.ts';
import { movedDifferences, restoredDifferences, scanDifferences } from './check.ts';
import { putSample } from './sample.ts';
import { type DemoStorage, type DemoStorageName, startStorage } from './storage.ts';

const CONNECTOR = 'demo';

/**
 * Starts a storage and a stack, puts a sample there, scans it and moves what is malicious, puts it back, and compares the account and
 * the storage with the sample after each step. Removes everything again. Returns 0 only if all of it is exact.
 * @throws CliError
 */
export async function runStorageDemo(name: DemoStorageName, here: DemoSurroundings): Promise<number> {
  const { reporter } = here;
  const base = await realpath(await mkdtemp(join(tmpdir(), 'dsx-demo-')));
  const home = join(base, 'home');
  let storage: DemoStorage | undefined;
  try {
    storage = await startStorage(name);
    const sample = await putSample(storage);
    reporter.note(`a sample of ${counted(sample.contents.size, 'object')} is in ${storage.title}`);
    await mkdir(home, { recursive: true });
    const connector = { id: CONNECTOR, ...storage.connector, action: 'move', maxSize: DEMO_MAX_SIZE };
    await writeFile(join(home, 'dsx-connect.yaml'), stringify({ connectors: [connector] }), { mode: 0o600 });
    stopIfInterrupted(here);
    const env = { ...here.env, ...storage.env };
    const stack = await here.stacks.start({ home, env, isolated: true, say: (line) => reporter.note(line) });
    reporter.note(`while this runs, the API answers at ${stack.api}`);
    stopIfInterrupted(here);
    const client = clientOf(stack);
    const job = await toTheEnd(await client.startJob({ connector: CONNECTOR, scanner: STAND_IN }), client, here);
    const differences = scanDifferences(sample, job, await rowsOf(client, job.job));
    differences.push(...movedDifferences(sample, await storage.contents()));
    for (const problem of await verifyLedger(stack.ledger, job)) differences.push(`the ledger: ${problem}`);
    const restored = await toTheEnd(await client.restore(job.job, { reason: 'the demo' }), client, here);
    if (restored.actions.done !== sample.moved.size) {
      differences.push(`${restored.actions.done} of ${sample.moved.size} were put back`);
    }
    differences.push(...restoredDifferences(sample, await storage.contents()));
    reporter.account(job, await findingsOf(client, job.job, reporter.wanted));
    reporter.note(`${counted(restored.actions.done, 'item')} put back from quarantine by ${restored.job}`);
    here.verdict(differences);
    return differences.length === 0 ? EXIT.ok : EXIT.failed;
  } finally {
    reporter.close();
    await clean(here, home, base, storage);
  }
}

async function toTheEnd(
  { job, joined }: StartJobAnswer,
  client: ApiClient,
  { reporter, interrupts }: DemoSurroundings,
): Promise<JobResource> {
  reporter.started(job, joined);
  const ending = await follow({ client, job, reporter, interrupts, onInterrupt: 'cancel' });
  if (ending.kind === 'ended') return ending.job;
  throw new CliError('cancelled', 'interrupted', 'the demo was interrupted; nothing of it is left');
}

async function rowsOf(client: ApiClient, job: string): Promise<OutcomeRow[]> {
  const rows: OutcomeRow[] = [];
  let after: string | undefined;
  do {
    const page = await client.outcomes(job, { limit: 200, ...(after !== undefined && { after }) });
    rows.push(...page.rows);
    after = page.next;
  } while (after !== undefined);
  return rows;
}

function stopIfInterrupted({ interrupts }: DemoSurroundings): void {
  if (interrupts.count() === 0 && !interrupts.terminated()) return;
  throw new CliError('cancelled', 'interrupted', 'the demo was interrupted before its scan; nothing of it is left');
}

/** Nothing of a demo stays running or lying about; what can't be removed is named. */
async function clean(
  { stacks, reporter }: DemoSurroundings,
  home: string,
  base: string,
  storage: DemoStorage | undefined,
): Promise<void> {
  try {
    await stacks.stop(home);
    await storage?.stop();
    await rm(base, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    reporter.note(`${base} could not be cleaned away: ${messageOf(error)}`);
  }
}
