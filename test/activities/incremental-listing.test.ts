import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { verifyJob } from '../../ledger/verify.ts';
import { type Scanned, Stage } from './incremental-fixture.ts';

const skipped = ({ rows }: Scanned): string[] =>
  rows.filter(({ reason }) => reason === 'unchanged').map(({ location }) => location);

/** Names that sort otherwise by code unit than by byte, or lie inside one another. */
const NAMES = ['a', 'a/b', 'a-b', 'b', 'é', '\ue000', '𝄞', '𝄞/x', 'z'];
const step = fc.record({
  writes: fc.array(fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom('one', 'two', 'evil', undefined)), {
    maxLength: 5,
  }),
  how: fc.constantFrom('full', 'incremental', 'incremental', 'incremental', 'requested', 'cut', 'failing', 'unended'),
  some: fc.subarray(NAMES),
  turn: fc.integer({ min: 1, max: 6 }),
});

test('exactly what the newest row of each item calls clean, in this version, is skipped', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 7 }), fc.boolean(), async (steps, ordered) => {
      const stage = await Stage.open();
      stage.ordered = ordered;
      // By location: what the newest row says.
      const model = new Map<string, { version: string; clean: boolean; by: string }>();
      let begun = false;
      let completed = false;
      for (const { writes, how, some, turn } of steps) {
        for (const [name, content] of writes) {
          if (content === undefined) stage.store.delete(name);
          else stage.store.set(name, content);
        }
        const incremental = how !== 'full' && how !== 'requested';
        const options = {
          kind: how === 'requested' ? ('requested' as const) : ('full' as const),
          incremental,
          turn,
          ...(how === 'cut' && { cutAfter: some.length }),
          ...(how === 'failing' && { failing: new Set(some) }),
          ...(how === 'unended' && { unended: true }),
        };
        const scan = await stage.scan(options, how === 'requested' ? some : undefined);
        if (incremental) {
          const expected = stage
            .items()
            .filter(({ location, version }) => {
              const known = model.get(location);
              return begun && known?.clean === true && known.version === version;
            })
            .map(({ location }) => location);
          expect(scan.items.filter(({ skip }) => skip === 'unchanged').map(({ location }) => location)).toEqual(
            expected,
          );
        }
        const full = options.kind === 'full' && how !== 'unended';
        const whole = full && scan.rows.length === scan.items.length;
        const before = new Map(model);
        // The newest scan that was not cut short is where the next one begins; until there is one, the newest that was.
        if (whole || (full && !completed && scan.rows.length > 0)) model.clear();
        for (const row of scan.rows) {
          const known = before.get(row.location);
          if (row.unchanged !== undefined) {
            expect(row.unchanged.row).toBe(known?.by);
            if (known !== undefined && how !== 'unended') model.set(row.location, known);
            continue;
          }
          model.set(row.location, {
            version: row.listed.version ?? '',
            clean: row.outcome === 'clean' && how !== 'unended',
            by: `${scan.job}/${row.item}`,
          });
        }
        completed ||= whole;
        begun ||= whole || (full && scan.rows.length > 0);
        const report = await verifyJob(stage.ledger.job(scan.job), { others: stage.ledger });
        expect(report.problems).toEqual([]);
        expect(report.unchanged?.notThere ?? []).toEqual([]);
      }
    }),
    { seed: 20_261_123, numRuns: 150 },
  );
}, 120_000);

describe('what was judged otherwise is scanned again', () => {
  async function skippedAfter(change: (stage: Stage) => void): Promise<string[]> {
    const stage = await Stage.open();
    stage.store.set('a', 'one').set('b', 'two');
    await stage.scan();
    expect(skipped(await stage.scan({ incremental: true }))).toEqual(['a', 'b']);
    change(stage);
    const scan = await stage.scan({ incremental: true });
    // And once it is, it is skipped again.
    expect(skipped(await stage.scan({ incremental: true }))).toEqual(['a', 'b']);
    return skipped(scan);
  }

  test.each<[string, (stage: Stage) => void]>([
    ['by a scanner at another address', (stage) => (stage.identity = 'http://other entity default')],
    ['for another protected entity', (stage) => (stage.identity = 'http://scanner entity 7')],
    ['without a password', (stage) => (stage.password = 'infected')],
    ['by a stand-in, for a real scanner', (stage) => (stage.scanner = 'standin')],
    ['longer ago than it may be', (stage) => (stage.now += 31 * 86_400_000)],
  ])('%s', async (_, change) => {
    expect(await skippedAfter(change)).toEqual([]);
  });

  test('by nobody, where nothing changed', async () => {
    expect(await skippedAfter(() => undefined)).toEqual(['a', 'b']);
  });

  test('of another asset: the account says so', async () => {
    const stage = await Stage.open();
    stage.store.set('a', 'one');
    await stage.scan();
    stage.fingerprint = 'another';
    const scan = await stage.scan({ incremental: true });
    expect([skipped(scan), scan.told.why?.code, scan.told.since]).toEqual([[], 'other_asset', undefined]);
  });

  test('of a kind whose versions prove nothing', async () => {
    const stage = await Stage.open();
    stage.kind = 'somebody-elses';
    stage.store.set('a', 'one');
    await stage.scan();
    expect(skipped(await stage.scan({ incremental: true }))).toEqual([]);
  });
});

test('a password is not found in a row, and two ledgers have other hashes of it', async () => {
  const [one, two] = [await Stage.open(), await Stage.open()];
  const policies = [];
  for (const stage of [one, two]) {
    stage.password = 'infected';
    stage.store.set('a', 'one');
    policies.push((await stage.scan()).rows[0]?.scanner?.policy);
  }
  expect(policies[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(policies[0]).not.toBe(policies[1]);
});

test('what no row names is counted: events that never came', async () => {
  const stage = await Stage.open();
  stage.store.set('known', 'one').set('changed', 'one').set('failed', 'one').set('seen', 'one');
  await stage.scan({ failing: new Set(['failed']) });
  stage.store.set('changed', 'two').set('new', 'one').set('seen', 'two');
  await stage.scan({ kind: 'requested' }, ['seen']);
  const scan = await stage.scan({ incremental: true, turn: 2 });
  expect(skipped(scan)).toEqual(['known', 'seen']);
  expect(stage.unannounced).toBe(2);
});

test('rows that may be newer and can not be read: nothing is skipped, and it says why', async () => {
  const stage = await Stage.open();
  stage.store.set('a', 'one').set('b', 'two');
  await stage.scan();
  const named = await stage.scan({ kind: 'requested' }, ['a']);
  const segment = [...stage.objects.keys()].find((name) => name.startsWith(`${named.job}/segments/`)) ?? '';
  stage.objects.set(segment, Buffer.from('not what was written'));
  const scan = await stage.scan({ incremental: true });
  expect([skipped(scan), scan.told.why?.code]).toEqual([[], 'damaged']);
});

test('verify finds an unchanged row that says more than the row it stands on', async () => {
  const stage = await Stage.open();
  stage.store.set('a', 'one').set('b', 'evil');
  await stage.scan();
  const base = await stage.scan({ failing: new Set(['a']) });
  const { job } = await stage.scan({ incremental: true });
  // A later row of the scan before it, of an item that failed there.
  stage.forge = (judged) => ({ ...judged, row: `${base.job}/0-0:0`, root: base.root });
  const forged = await stage.scan({ incremental: true });
  expect((await verifyJob(stage.ledger.job(job), { others: stage.ledger })).problems).toEqual([]);
  const report = await verifyJob(stage.ledger.job(forged.job), { others: stage.ledger });
  expect(report.problems[0]).toMatchObject({ code: 'unchanged', message: expect.stringContaining('not clean') });
  expect((await verifyJob(stage.ledger.job(forged.job))).unchanged).toMatchObject({ checked: 0, notThere: [base.job] });
});
