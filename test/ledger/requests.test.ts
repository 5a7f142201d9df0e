import { beforeEach, describe, expect, test } from 'vitest';
import { eachOf } from '../../ledger/each-of.ts';
import { ledgerJob } from '../../ledger/job-progress.ts';
import { type Ledger, openLedgerStore } from '../../ledger/ledger.ts';
import type { ObjectStore } from '../../ledger/store.ts';
import { buildJob, headerOf, MIXED } from './fixture.ts';
import { createMemoryStore } from './memory-store.ts';

/** In a bucket each of these is a request, and each listing one more for every 1,000 objects. */
let asked: string[];
let objects: Map<string, Buffer>;
let ledger: Ledger;
beforeEach(async () => {
  asked = [];
  const store = createMemoryStore();
  ({ objects } = store);
  const counting: ObjectStore = {
    ...store,
    get: (name) => {
      asked.push(`get ${name}`);
      return store.get(name);
    },
    list: (prefix) => {
      asked.push(`list ${prefix}`);
      return store.list(prefix);
    },
    folders: (prefix) => {
      asked.push(`folders ${prefix}`);
      return store.folders(prefix);
    },
  };
  ledger = await openLedgerStore(counting);
});

async function requests(run: () => Promise<unknown>): Promise<string[]> {
  asked = [];
  await run();
  return asked;
}

describe('what reading asks of the store', () => {
  test('jobs by their starts: one listing, and each header once', async () => {
    await ledger.job('job-1').writeHeader(headerOf('job-1'));
    await ledger.job('job-2').writeHeader(headerOf('job-2'));
    expect(await requests(() => ledger.starts())).toEqual(['folders ', 'get job-1/job.json', 'get job-2/job.json']);
    expect(await requests(() => ledger.starts())).toEqual(['folders ']);
    expect(await ledger.starts()).toMatchObject([
      { job: 'job-2', kind: 'full', source: 'folder-1' },
      { job: 'job-1', kind: 'full', source: 'folder-1' },
    ]);
  });

  test('a job that has ended: its last commit alone, once it was seen', async () => {
    const { root } = await buildJob(ledger.job('job-1'), { pages: [MIXED] });
    const cold = await requests(() => ledgerJob(ledger.job('job-1')));
    expect(cold.slice(0, 2)).toEqual(['get job-1/job.json', 'list job-1/commits/']);
    const warm = await requests(() => ledgerJob(ledger.job('job-1')));
    expect(warm).toEqual([expect.stringMatching(/^get job-1\/commits\/c0/)]);
    expect((await ledgerJob(ledger.job('job-1')))?.progress.commit?.hash).toBe(root);
  });

  test('an end that is no longer there, or damaged, is not told from memory', async () => {
    await buildJob(ledger.job('job-1'), { pages: [MIXED] });
    expect((await ledgerJob(ledger.job('job-1')))?.ended).toBe(true);
    const last =
      [...objects.keys()]
        .filter((name) => name.includes('commits/'))
        .sort()
        .at(-1) ?? '';
    objects.set(last, Buffer.from('{}'));
    expect((await ledgerJob(ledger.job('job-1')).catch(() => undefined))?.ended).not.toBe(true);
    for (const name of [...objects.keys()]) if (name.startsWith('job-1/')) objects.delete(name);
    expect(await ledgerJob(ledger.job('job-1'))).toBeUndefined();
  });

  test('a job that runs: what is new, again and again', async () => {
    await buildJob(ledger.job('job-1'), { pages: [MIXED], final: false });
    await ledgerJob(ledger.job('job-1'));
    const again = await requests(() => ledgerJob(ledger.job('job-1')));
    expect(again.slice(0, 2)).toEqual(['get job-1/job.json', 'list job-1/commits/']);
  });
});

test('requests for many go several at once, answer in order, and end with the first that fails', async () => {
  let open = 0;
  let most = 0;
  const ask = async (value: number): Promise<number> => {
    open += 1;
    most = Math.max(most, open);
    await new Promise((resolve) => setImmediate(resolve));
    open -= 1;
    return value * 2;
  };
  const values = Array.from({ length: 100 }, (_, at) => at);
  expect(await eachOf(values, ask)).toEqual(values.map((value) => value * 2));
  expect(most).toBeGreaterThan(4);
  let begun = 0;
  const failing = eachOf(values, async (value) => {
    begun += 1;
    if (value === 3) throw new Error('refused');
    return ask(value);
  });
  await expect(failing).rejects.toThrow('refused');
  expect(begun).toBeLessThan(40);
  expect(await eachOf([], ask)).toEqual([]);
});
