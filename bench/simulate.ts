import '../config/heap.ts';
import { parseArgs } from 'node:util';
import { bytes, count, duration } from '../cli/render/units.ts';
import { parseCounts, shownCount, UsageError } from './lib/arguments.ts';
import { withBenchStack } from './lib/plant.ts';
import { memoryOf } from './lib/process.ts';
import { connectClient } from './lib/scan-client.ts';
import { quietRuntime, type SimulationFigures, simulate } from './lib/simulation/run.ts';

const USAGE = 'usage: dsx bench simulate [--items 10m,100m] [--json]';
/** Temporal suggests continuing as new at 4,096 events, and ends a run at 51,200: pages in hand may finish in between. */
const MOST_EVENTS = 5_000;
/** Temporal warns of a payload from 512 KiB on, and refuses one of 2 MiB. */
const MOST_PAYLOAD = 512 * 1024;

/**
 * `dsx bench simulate`: the workflow alone through a scan of 10 M and 100 M items, on a real Temporal server with its database
 * in a file, with activities that answer at once: what grows in history, payloads and carried state, and what does not.
 */
export default async function bench(args: string[]): Promise<number> {
  const { items, json } = options(args);
  if (items === undefined) return 2;
  quietRuntime();
  const all: Figures[] = [];
  for (const each of items) {
    const figures = await simulateOnce(each);
    all.push(figures);
    if (!json) console.log(told(figures));
  }
  const checked = all.map((one) => ({ ...one, failed: failures(one) }));
  if (json) console.log(JSON.stringify(checked, undefined, 2));
  return checked.every(({ failed }) => failed.length === 0) ? 0 : 1;
}

function options(args: string[]): { items?: number[]; json: boolean } {
  try {
    const known = {
      items: { type: 'string', default: '10m,100m' },
      json: { type: 'boolean', default: false },
    } as const;
    const { values } = parseArgs({ args, options: known });
    return { items: parseCounts('--items', values.items), json: values.json };
  } catch (error) {
    if (!(error instanceof TypeError) && !(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n${USAGE}`);
    return { json: false };
  }
}

type Figures = SimulationFigures & { readonly temporalPeakBytes: number };

async function simulateOnce(items: number): Promise<Figures> {
  return await withBenchStack(`simulate-${items}`, ['temporal'], async (plant) => {
    const { temporalAddress } = plant.stack;
    const client = await connectClient(temporalAddress);
    try {
      const figures = await simulate(temporalAddress, client, items, (line) => console.error(line));
      return { ...figures, temporalPeakBytes: memoryOf(plant.pidOf('temporal')).peak };
    } finally {
      await client.connection.close();
    }
  });
}

function mostOf(figures: Figures) {
  const { runs } = figures;
  return {
    events: Math.max(...runs.map((run) => run.events)),
    history: Math.max(...runs.map((run) => run.bytes)),
    payload: runs.map((run) => run.largest).reduce((most, one) => (one.bytes > most.bytes ? one : most)),
    carried: Math.max(...runs.slice(1).map((run) => run.input), 0),
  };
}

function told(figures: Figures): string {
  const most = mostOf(figures);
  const events = figures.runs.reduce((sum, run) => sum + run.events, 0);
  const lines = [
    `${shownCount(figures.items)} items: ${count(figures.pages)} pages in ${duration(figures.seconds)}`,
    `  runs: ${figures.runs.length}; events: ${count(events)}, at most ${count(most.events)} a run (${bytes(most.history)})`,
    `  largest payload: ${bytes(most.payload.bytes)} (${most.payload.event}); state carried to the next run: at most ${bytes(most.carried)}`,
    `  commits: ${count(figures.commits)}; action batches: ${count(figures.actionBatches)}; listed again: ${count(figures.rescans)}`,
    `  worker: ${bytes(figures.workerBytes.early)} early, ${bytes(figures.workerBytes.late)} late`,
    `  Temporal server: peak ${bytes(figures.temporalPeakBytes)}`,
    ...failures(figures).map((failure) => `  FAILED ${failure}`),
  ];
  if (failures(figures).length === 0) lines.push('  ok: account exact, paused and held in its middle, all bounds kept');
  return lines.join('\n');
}

function failures(figures: Figures): string[] {
  const most = mostOf(figures);
  const failed = [...figures.wrong];
  if (!figures.seen.paused) failed.push('the job was not seen paused');
  if (!figures.seen.held) failed.push('the job was not seen held');
  if (most.events > MOST_EVENTS) failed.push(`a run has ${most.events} events`);
  if (most.payload.bytes > MOST_PAYLOAD) failed.push(`a payload has ${most.payload.bytes} bytes`);
  return failed;
}
