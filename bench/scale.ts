import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseCounts, UsageError } from './lib/arguments.ts';
import { cleanly } from './lib/cleanup.ts';
import { writeCorpus } from './lib/corpus.ts';
import { NoRoom, placeFor } from './lib/place.ts';
import { checks, type NamedFigures, nameOf, table, told } from './lib/scale-report.ts';
import { scaleRun } from './lib/scale-run.ts';

const USAGE = 'usage: dsx bench scale [--sizes 10k,100k,1m] [--flat] [--folder FOLDER] [--json]';
const BYTES = 64;
const PER_FOLDER = 1_000;

/**
 * `dsx bench scale`: 10 k, 100 k and 1 M tiny files, at most 1,000 names to a folder, and a scanner that answers at once; with
 * `--flat` the largest number once more, all in one folder. Each scan on a fresh stack with one worker process. The files lie
 * in shared memory or the folder for temporary files, whichever has room, and are removed afterwards.
 */
export default async function scale(args: string[]): Promise<number> {
  try {
    return await run(args);
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof NoRoom)) throw error;
    console.error(error instanceof UsageError ? `${error.message}\n${USAGE}` : error.message);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function run(args: string[]): Promise<number> {
  const { sizes, flat, folder, json } = options(args);
  const scans = sizes.map((files) => ({ files, flat: false }));
  if (flat) scans.push({ files: Math.max(...sizes), flat: true });
  // Refused before the first scan rather than after an hour.
  placeFor(Math.max(...sizes), folder);
  const all: NamedFigures[] = [];
  for (const scan of scans) {
    const figures = await scanOnce(scan.files, scan.flat, folder);
    all.push(figures);
    console.error(told(figures));
  }
  const found = checks(all);
  if (json) console.log(JSON.stringify({ scans: all, checks: found }, undefined, 2));
  else console.log([table(all), '', ...found.map(({ ok, text }) => `${ok ? 'ok' : 'FAILED'} ${text}`)].join('\n'));
  return found.every(({ ok }) => ok) ? 0 : 1;
}

function options(args: string[]) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        sizes: { type: 'string', default: '10k,100k,1m' },
        flat: { type: 'boolean', default: false },
        folder: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    return { ...values, sizes: parseCounts('--sizes', values.sizes) };
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
}

async function scanOnce(files: number, flat: boolean, named: string | undefined): Promise<NamedFigures> {
  const place = placeFor(files, named);
  const name = nameOf(files, flat);
  const perFolder = flat ? Number.POSITIVE_INFINITY : PER_FOLDER;
  const remove = () => rmSync(place, { recursive: true, force: true });
  return await cleanly(remove, async () => {
    console.error(`${name}: files in ${place}`);
    await writeCorpus(place, files, BYTES, perFolder);
    return { name, flat, ...(await scaleRun(place, files, perFolder)) };
  });
}
