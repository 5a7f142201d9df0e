import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { readState } from '../cli/stack/state.ts';
import { corpus } from './lib/corpus.ts';
import { timed } from './lib/measure.ts';
import { benchHome, benchStack } from './lib/plant.ts';

const LARGE_BYTES = 2 * 2 ** 30 - 1;
const MIB = 2 ** 20;
/** Peak at 200,000 files over peak at 20,000, at most. */
const GROWTH = 1.2;
/** What one file of 2 GiB may add to the peak, at most. */
const LARGE_MIB = 64;

/** `dsx bench memory`: the worker's peak resident memory, each on a fresh stack: 20 k files, 200 k files, one file of 2 GiB. */
export default async function memory(): Promise<number> {
  const small = await peakOf('20k', await corpus(benchHome(), 20_000, 512));
  const large = await peakOf('200k', await corpus(benchHome(), 200_000, 512));
  const idle = await peakOf('one', await corpus(benchHome(), 1, 512));
  const huge = await peakOf('2gib', sparse());
  console.log(`20 k files ${small} MiB, 200 k files ${large} MiB: × ${(large / small).toFixed(2)} (at most ${GROWTH})`);
  console.log(
    `one small file ${idle} MiB, one file of 2 GiB ${huge} MiB: + ${huge - idle} MiB (less than ${LARGE_MIB})`,
  );
  return large / small <= GROWTH && huge - idle < LARGE_MIB ? 0 : 1;
}

async function peakOf(name: string, folder: string): Promise<number> {
  const plant = await benchStack(`memory-${name}`);
  try {
    const run = await timed(plant.dsx('scan', folder, '--scanner', 'standin', '--json'), plant.env);
    const pid = readState(plant.home)?.parts.find((part) => part.part === 'worker')?.process?.pid;
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const peak = Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024);
    console.log(`${name}: ${run.seconds.toFixed(1)} s, peak ${peak} MiB`);
    return peak;
  } finally {
    await plant.stop();
  }
}

/** One file of 2 GiB less a byte (the scanner's limit), without its blocks. */
function sparse(): string {
  const folder = path.join(benchHome(), 'one-large');
  mkdirSync(folder, { recursive: true });
  const file = openSync(path.join(folder, `large-${Math.round(LARGE_BYTES / MIB)}.bin`), 'w');
  ftruncateSync(file, LARGE_BYTES);
  closeSync(file);
  return folder;
}
