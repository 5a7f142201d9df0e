import fs from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { Asset } from '../../connectors/connector.ts';
import { makeTempStore } from './temp-store.ts';

const signal = new AbortController().signal;

test('the folders of an asset are found in pages, quarantine apart', async () => {
  const store = await makeTempStore('inside');
  try {
    for (const name of ['b', '-a', 'c d', 'é']) await fs.mkdir(path.join(store.asset, name));
    await fs.writeFile(path.join(store.asset, 'file'), 'x');
    await fs.mkdir(store.quarantine);
    const expected = ['', '/-a', '/b', '/c d', '/é'].map((folder) => `${store.asset}${folder}`);
    for (const limit of [1, 2, 3, 100]) {
      const found: Asset[] = [];
      let after: string | undefined;
      do {
        const page = await store.connector.assets({ limit, ...(after !== undefined && { after }) }, signal);
        expect(page.assets.length).toBeLessThanOrEqual(limit);
        found.push(...page.assets);
        after = page.next;
      } while (after !== undefined);
      expect(found.map(({ asset }) => asset)).toEqual(expected);
    }
  } finally {
    await store.close();
  }
});
