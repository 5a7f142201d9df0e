import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { corpus } from './lib/corpus.ts';
import { median, timed } from './lib/measure.ts';
import { benchHome, benchStack } from './lib/plant.ts';

const FILES = 20_000;
const BYTES = 4_096;
const ALTERNATIONS = 7;
const AT_ONCE = [16, 32, 48, 64] as const;
const BARE = path.join(import.meta.dirname, 'lib/bare-loop.ts');
/** The least ratio that is accepted. */
const FLOOR = 0.75;

/**
 * `dsx bench overhead [alternations]`: 20,000 files of 4 KiB and a scanner that answers at once; a full scan with ledger and
 * status, against a running stack, beside the bare loop at its best; both timed from outside, in alternation.
 */
export default async function overhead(args: string[]): Promise<number> {
  const alternations = Number(args[0] ?? ALTERNATIONS);
  const folder = await corpus(benchHome(), FILES, BYTES);
  const plant = await benchStack('overhead');
  try {
    const bare = async (atOnce: number) =>
      (await timed([process.execPath, BARE, folder, plant.scannerUrl, String(atOnce)], plant.env)).seconds;
    const full = async () =>
      (await timed(plant.dsx('scan', folder, '--scanner', 'standin', '--json'), plant.env)).seconds;
    const best = await bestLevel(bare);
    await full();
    const bares: number[] = [];
    const fulls: number[] = [];
    for (let i = 0; i < alternations; i++) {
      bares.push(await bare(best));
      fulls.push(await full());
      console.log(`${i + 1}: bare ${bares.at(-1)?.toFixed(2)} s, full ${fulls.at(-1)?.toFixed(2)} s`);
    }
    const ratio = median(bares) / median(fulls);
    const rate = (seconds: number) => Math.round(FILES / seconds);
    console.log(`bare loop (${best} at once): median ${median(bares).toFixed(2)} s, ${rate(median(bares))} files/s`);
    console.log(`full scan: median ${median(fulls).toFixed(2)} s, ${rate(median(fulls))} files/s`);
    console.log(`ratio ${ratio.toFixed(3)} (at least ${FLOOR})`);
    writeFileSync(path.join(benchHome(), 'overhead.json'), JSON.stringify({ best, bares, fulls, ratio }));
    return ratio >= FLOOR ? 0 : 1;
  } finally {
    await plant.stop();
  }
}

/** The level at which the bare loop is fastest here: the best of three runs each. */
async function bestLevel(bare: (atOnce: number) => Promise<number>): Promise<number> {
  let best: { atOnce: number; seconds: number } | undefined;
  for (const atOnce of AT_ONCE) {
    const seconds = Math.min(await bare(atOnce), await bare(atOnce), await bare(atOnce));
    console.log(`bare loop, ${atOnce} at once: ${seconds.toFixed(2)} s`);
    if (best === undefined || seconds < best.seconds) best = { atOnce, seconds };
  }
  return best?.atOnce ?? AT_ONCE[0];
}
