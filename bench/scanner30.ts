import path from 'node:path';
import { corpus } from './lib/corpus.ts';
import { median, timed } from './lib/measure.ts';
import { benchHome, benchStack } from './lib/plant.ts';

const FILES = 4_000;
const BYTES = 4_096;
const ALTERNATIONS = 3;
const LATENCY_MS = 30;
const WORKERS = 8;
const BARE = path.join(import.meta.dirname, 'lib/bare-loop.ts');
const FLOOR = 0.97;

/**
 * `dsx bench scanner30`: a scanner that takes 30 ms a file and 8 at once, as a real one does. The full scan must reach 97 % of
 * what the bare loop reaches with 8 at once.
 */
export default async function scanner30(args: string[]): Promise<number> {
  const alternations = Number(args[0] ?? ALTERNATIONS);
  const folder = await corpus(benchHome(), FILES, BYTES);
  const plant = await benchStack('scanner30', {
    STANDIN_LATENCY_MS: String(LATENCY_MS),
    STANDIN_WORKERS: String(WORKERS),
  });
  try {
    const bares: number[] = [];
    const fulls: number[] = [];
    for (let i = 0; i < alternations; i++) {
      const bare = [process.execPath, BARE, folder, plant.scannerUrl, String(WORKERS)];
      bares.push((await timed(bare, plant.env)).seconds);
      fulls.push((await timed(plant.dsx('scan', folder, '--scanner', 'standin', '--json'), plant.env)).seconds);
      console.log(`${i + 1}: bare ${bares.at(-1)?.toFixed(2)} s, full ${fulls.at(-1)?.toFixed(2)} s`);
    }
    const ratio = median(bares) / median(fulls);
    console.log(
      `bare loop ${(FILES / median(bares)).toFixed(1)} files/s, full scan ${(FILES / median(fulls)).toFixed(1)} files/s`,
    );
    console.log(`ratio ${ratio.toFixed(3)} (at least ${FLOOR})`);
    return ratio >= FLOOR ? 0 : 1;
  } finally {
    await plant.stop();
  }
}
