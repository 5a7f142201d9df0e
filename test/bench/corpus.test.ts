import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { proveAccount } from '../../bench/lib/account.ts';
import { numberInCorpus, writeCorpus } from '../../bench/lib/corpus.ts';
import { Plant } from '../support/plant.ts';

const FILES = 250;
const PER_FOLDER = 100;
let plant: Plant;

beforeAll(async () => {
  plant = await Plant.start();
  await plant.worker();
});
afterAll(() => plant.stop());

it('a corpus has its files in folders, or all in one, and every location tells its number', async () => {
  const home = mkdtempSync(path.join(tmpdir(), 'dsx-corpus-'));
  try {
    for (const perFolder of [PER_FOLDER, Number.POSITIVE_INFINITY]) {
      const folder = path.join(home, String(perFolder));
      await writeCorpus(folder, FILES, 8, perFolder);
      const files = readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
        .sort();
      expect(files.map((file) => numberInCorpus(file, perFolder))).toEqual(Array.from({ length: FILES }, (_, i) => i));
      expect(readdirSync(folder).length).toBe(perFolder === PER_FOLDER ? 3 : FILES);
    }
    expect(numberInCorpus('d00000/other.bin')).toBeNaN();
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});

it('the proof of an account finds a corpus whole, and says so when a file is missing, strange or doubled', async () => {
  const folder = path.join(realpathSync(plant.folder), 'corpus');
  await writeCorpus(folder, FILES, 8, PER_FOLDER);
  const scan = await plant.start({}, { source: plant.source(folder) });
  const result = await scan.result();
  const ledger = plant.ledger.job(scan.job);
  expect(await proveAccount(ledger, result, FILES, PER_FOLDER)).toEqual([]);
  const wrong = await proveAccount(ledger, result, FILES + 1, PER_FOLDER);
  expect(wrong).toContain(`listed: ${FILES}, not ${FILES + 1}`);
  expect(wrong).toContain(`files with a row of their own: ${FILES}, not ${FILES + 1}`);
  // With folders of one, the numbers of two folders' files meet.
  expect((await proveAccount(ledger, result, FILES, 1)).at(-1)).toMatch(
    /^files with a row of their own: \d+, not 250$/,
  );
});
