import { statSync } from 'node:fs';
import path from 'node:path';
import type { Client } from '@temporalio/client';
import { createClient } from 'redis';
import { PARTS, type Part } from '../../cli/stack/contract.ts';
import type { ScanSettings } from '../../domain/job.ts';
import { openLedger } from '../../ledger/ledger.ts';
import { proveAccount } from './account.ts';
import { type BenchStack, withBenchStack } from './plant.ts';
import { cpuSeconds, MemoryWatch, memoryOf } from './process.ts';
import { type RunFigures, runsOf } from './runs.ts';
import { connectClient, folderSource, startFullScan } from './scan-client.ts';

/** A worker, and what it needs. Nobody watches, so there is no API. */
const OWN: readonly Part[] = PARTS.filter((part) => part !== 'api');

/** What one scan took, and the proof that its account is exact. */
export interface ScaleFigures {
  readonly files: number;
  readonly seconds: number;
  /** CPU milliseconds for each item: of the worker, and of worker, Temporal, Valkey and the stand-in together. */
  readonly workerCpuMs: number;
  readonly stackCpuMs: number;
  readonly runs: number;
  readonly events: number;
  /** Of the run that has most. */
  readonly mostEvents: number;
  readonly largestPayload: RunFigures['largest'];
  readonly redisOperations: number;
  readonly ledgerBytes: number;
  readonly ledgerObjects: number;
  readonly workerPeakBytes: number;
  /** Means over the second and the last quarter of the scan. */
  readonly workerBytes: { readonly early: number; readonly late: number };
  readonly temporalBytes: number;
  readonly temporalPeakBytes: number;
  readonly temporalDbBytes: number;
  /** Every promise of the account that does not hold; none when it is exact. */
  readonly wrong: readonly string[];
}

/**
 * Scans a corpus of so many files once, on a fresh stack: one worker process, the product's Temporal server with its database
 * in a file, Valkey, and a stand-in that answers at once.
 */
export async function scaleRun(folder: string, files: number, perFolder: number): Promise<ScaleFigures> {
  return await withBenchStack(`scale-${files}`, OWN, async (plant) => {
    const client = await connectClient(plant.stack.temporalAddress);
    try {
      return await measure(plant, client, folder, files, perFolder);
    } finally {
      await client.connection.close();
    }
  });
}

async function measure(
  plant: BenchStack,
  client: Client,
  folder: string,
  files: number,
  perFolder: number,
): Promise<ScaleFigures> {
  const used = () => new Map(OWN.map((part) => [part, cpuSeconds(plant.pidOf(part))]));
  const redisBefore = await redisOperations(plant.stack.redisUrl);
  const before = used();
  const began = performance.now();
  const settings = { filter: '', action: 'nothing', dryRun: false, scanner: 'standin' } as const;
  const watch = new MemoryWatch(plant.pidOf('worker'));
  const { scan, result } = await scanned(client, folder, settings).finally(() => watch.stop());
  const seconds = (performance.now() - began) / 1000;
  const after = used();
  const redisAfter = await redisOperations(plant.stack.redisUrl);
  const worker = memoryOf(plant.pidOf('worker'));
  const temporal = memoryOf(plant.pidOf('temporal'));
  const perItem = (part: Part) => (((after.get(part) ?? 0) - (before.get(part) ?? 0)) * 1000) / files;

  const ledger = await openLedger(plant.stack.ledger, { create: false });
  const runs = await runsOf(client, scan.workflow, scan.firstRun);
  const stored = { bytes: 0, objects: 0 };
  for await (const { size } of ledger.job(scan.job).objects.list()) {
    stored.bytes += size;
    stored.objects += 1;
  }
  return {
    files,
    seconds,
    workerCpuMs: perItem('worker'),
    stackCpuMs: OWN.reduce((sum, part) => sum + perItem(part), 0),
    runs: runs.length,
    events: runs.reduce((sum, run) => sum + run.events, 0),
    mostEvents: Math.max(...runs.map((run) => run.events)),
    largestPayload: runs.map((run) => run.largest).reduce((most, one) => (one.bytes > most.bytes ? one : most)),
    // The first question counts itself.
    redisOperations: redisAfter - redisBefore - 1,
    ledgerBytes: stored.bytes,
    ledgerObjects: stored.objects,
    workerPeakBytes: worker.peak,
    workerBytes: watch.stop(),
    temporalBytes: temporal.now,
    temporalPeakBytes: temporal.peak,
    temporalDbBytes: databaseBytes(path.join(plant.home, 'temporal', 'temporal.db')),
    wrong: await proveAccount(ledger.job(scan.job), result, files, perFolder),
  };
}

async function scanned(client: Client, folder: string, settings: ScanSettings) {
  const scan = await startFullScan(client, folderSource(folder), settings);
  return { scan, result: await scan.result() };
}

/** Commands that the status store was given, scripts and what they call among them. */
async function redisOperations(url: string | undefined): Promise<number> {
  if (url === undefined) throw new Error('the stack has no Valkey');
  const redis = createClient({ url });
  await redis.connect();
  try {
    const info = await redis.info('stats');
    return Number(/^total_commands_processed:(\d+)/m.exec(info)?.[1]);
  } finally {
    redis.destroy();
  }
}

function databaseBytes(file: string): number {
  return ['', '-wal'].reduce((sum, end) => sum + (statSync(file + end, { throwIfNoEntry: false })?.size ?? 0), 0);
}
