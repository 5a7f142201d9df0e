import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkJob, type JobEvidence, type JobVerdict } from '../../bench/chaos/check/check-job.ts';
import { readJob } from '../../bench/chaos/check/read-job.ts';
import { readRequests, scansOf } from '../../bench/chaos/check/requests.ts';
import { type Corpus, makeCorpus } from '../../bench/chaos/corpus.ts';
import { snapshot } from '../../cli/demo/snapshot.ts';
import type { ActionRow } from '../../domain/action.ts';
import type { OutcomeRow } from '../../domain/outcome.ts';
import { openLedger } from '../../ledger/ledger.ts';
import { encodeLines, unfold } from '../../ledger/ndjson.ts';
import type { ObjectRef } from '../../ledger/types.ts';
import type { SeenRequest } from '../../scanner/standin/request-log.ts';
import { Plant } from '../support/plant.ts';
import { type Bend, forge } from './forge.ts';

let plant: Plant;
let own: string;
let corpus: Corpus;
let evidence: JobEvidence;
let moved: readonly ActionRow[];
let copies = 0;

/** One real job with the action `move`; each test alters a copy of what it left. */
beforeAll(async () => {
  own = mkdtempSync(path.join(tmpdir(), 'dsx-checker-'));
  const log = path.join(own, 'requests.ndjson');
  plant = await Plant.start({ requestLog: log });
  corpus = makeCorpus(plant.folder, 7, 1, 400);
  const before = await snapshot(plant.folder);
  const quarantine = path.join(plant.home, 'quarantine');
  await plant.worker({ DSXA_METADATA: 'on', DSXCONNECT_PAGE_ITEMS: '100' });
  const scan = await plant.start({ action: 'move', quarantine });
  const { listed, counters, actions, root } = await scan.result();
  const told = [{ who: 'the result', listed, outcomes: counters.outcomes, actionsDone: actions.done }];
  const { ledger, folder } = plant;
  const requests = readRequests(log);
  evidence = { ledger, job: scan.job, root, folder, before, expected: corpus.items, quarantine, told, requests };
  moved = (await readJob(ledger.job(scan.job))).actions;
}, 60_000);
afterAll(async () => {
  await plant.stop();
  rmSync(own, { recursive: true, force: true });
});

/** Asserts that the checker finds something wrong, and calls it so. */
function expectFound(verdict: JobVerdict, ...kinds: string[]): void {
  expect(verdict.problemCount).toBeGreaterThan(0);
  for (const kind of kinds) expect(verdict.problems.join('\n')).toContain(`${kind}: `);
}

async function checkForged(bend: Bend): Promise<JobVerdict> {
  const { ledger, root } = await forge(evidence.ledger, evidence.job, path.join(own, `forged-${++copies}`), bend);
  return await checkJob({ ...evidence, ledger, root });
}

const first = <T>(change: (values: readonly T[]) => readonly T[]) => {
  let done = false;
  return (values: readonly T[]): readonly T[] => {
    if (done || values.length === 0) return values;
    done = true;
    return change(values);
  };
};

test('an untouched job is proven', async () => {
  const verdict = await checkJob(evidence);
  expect(verdict.problems).toEqual([]);
  expect(moved.length).toBeGreaterThan(0);
  const judged = [...corpus.items.values()].filter((item) => item.outcome !== 'skipped').length;
  expect(verdict.figures).toMatchObject({ items: 400, judged, scans: judged, rescans: 0, actions: moved.length });
});

test('a copy that was made anew line by line differs in its root alone', async () => {
  expect((await checkForged({})).problems).toEqual([]);
  const { ledger } = await forge(evidence.ledger, evidence.job, path.join(own, `forged-${++copies}`), {});
  expectFound(await checkJob({ ...evidence, ledger }), 'ledger');
});

const row = (change: (rows: readonly OutcomeRow[]) => readonly OutcomeRow[]) => change;
const TAMPERED_ROWS = {
  removed: row((rows) => rows.slice(1)),
  doubled: row((rows) => [...rows.slice(0, 1), ...rows]),
  altered: row((rows) => rows.map((one, at) => (at === 0 ? { ...one, location: `${one.location}x` } : one))),
  'altered in its outcome': row((rows) => rows.map((one, at) => (at === 0 ? { ...one, outcome: 'vanished' } : one))),
};

test.each(Object.entries(TAMPERED_ROWS))('a row %s in the ledger is found', async (_, change) => {
  const folder = path.join(own, `ledger-${++copies}`);
  cpSync(evidence.ledger.place, folder, { recursive: true });
  const ledger = await openLedger(folder, { create: false });
  await alterSegment(folder, change);
  expectFound(await checkJob({ ...evidence, ledger }), 'ledger');
});

test.each(Object.entries(TAMPERED_ROWS))('a row %s is found though every hash was made anew', async (_, change) => {
  const rows = first(change);
  expectFound(await checkForged({ rows: (_page, before) => rows(before) }));
});

test('an item that was left out of listing and rows alike is found', async () => {
  const verdict = await checkForged({
    items: (page, items) => (page === '0-0' ? items.slice(0, -1) : items),
    rows: (page, rows) => (page === '0-0' ? rows.slice(0, -1) : rows),
  });
  expectFound(verdict, 'listing', 'scans');
});

/** Rewrites the first segment under its own name. */
async function alterSegment(
  folder: string,
  change: (rows: readonly OutcomeRow[]) => readonly OutcomeRow[],
): Promise<void> {
  const segment = await firstSegment();
  const file = path.join(folder, evidence.job, segment.name);
  const lines = await unfold(segment.name, readFileSync(file));
  const header = lines.parse(0) as Parameters<typeof encodeLines>[0];
  writeFileSync(file, await encodeLines(header, change(lines.values<OutcomeRow>())));
}

async function firstSegment(): Promise<ObjectRef> {
  for await (const { body } of evidence.ledger.job(evidence.job).commits()) {
    for (const page of body.pages) return page.segment;
  }
  throw new Error('the job has no page');
}

test('a line that is missing in the request log is found', async () => {
  const scanned = evidence.requests.find(({ metadata }) => metadata !== undefined);
  const requests = evidence.requests.filter((request) => request !== scanned);
  expectFound(await checkJob({ ...evidence, requests }), 'scans');
});

test('a line for an item that was never scanned is found', async () => {
  const like = scansOf(evidence.requests, evidence.job)[0];
  const verdict = await checkJob({ ...evidence, requests: [...evidence.requests, about(like, '9-99:0')] });
  expectFound(verdict, 'scans');
  const link = await itemThat((one) => one.outcome === 'skipped');
  expectFound(await checkJob({ ...evidence, requests: [...evidence.requests, about(like, link.item)] }), 'scans');
});

test('an item that was scanned twice for no reason is found, and an answer that is not the row’s', async () => {
  const like = scansOf(evidence.requests, evidence.job)[0];
  const again = { ...about(like, like?.item ?? ''), scanId: 'another' };
  expectFound(await checkJob({ ...evidence, requests: [...evidence.requests, again] }), 'rescans');
  const requests = evidence.requests.map((one) =>
    one.scanId === like?.scanId ? { ...one, sha256: '0'.repeat(64) } : one,
  );
  expectFound(await checkJob({ ...evidence, requests }), 'scans');
});

function about(like: SeenRequest | undefined, item: string): SeenRequest {
  if (like?.metadata === undefined) throw new Error('the job has no scans');
  const metadata = `job:${evidence.job},item:${encodeURIComponent(item)}`;
  return { ...like, metadata };
}

async function itemThat(check: (row: OutcomeRow) => boolean): Promise<OutcomeRow> {
  for await (const { body } of evidence.ledger.job(evidence.job).commits()) {
    for (const page of body.pages) {
      const found = (await evidence.ledger.job(evidence.job).readSegment(page.segment)).find(check);
      if (found !== undefined) return found;
    }
  }
  throw new Error('the job has no such row');
}

test('a quarantined file that is altered, gone or added is found', async () => {
  const file = moved[0]?.destination ?? '';
  const bytes = readFileSync(file);
  writeFileSync(file, 'something else');
  expectFound(await checkJob(evidence), 'quarantine');
  renameSync(file, path.join(own, 'taken'));
  expectFound(await checkJob(evidence), 'quarantine');
  writeFileSync(file, bytes);
  const added = path.join(path.dirname(file), 'added');
  writeFileSync(added, bytes);
  expectFound(await checkJob(evidence), 'quarantine');
  rmSync(added);
  expect((await checkJob(evidence)).problems).toEqual([]);
});

test('a scanned file that is altered, gone or back is found', async () => {
  const clean = await itemThat(
    (one) => one.outcome === 'clean' && one.locationBytes === undefined && (one.listed.size ?? 0) > 0,
  );
  const file = path.join(evidence.folder, clean.location);
  const { atime, mtime } = statSync(file);
  const bytes = readFileSync(file);
  appendFileSync(file, '!');
  expectFound(await checkJob(evidence), 'folder');
  rmSync(file);
  expectFound(await checkJob(evidence), 'folder');
  writeFileSync(file, bytes);
  utimesSync(file, atime, mtime);
  const back = path.join(evidence.folder, 'back');
  writeFileSync(back, bytes);
  expectFound(await checkJob(evidence), 'folder');
  rmSync(back);
});

test('an action that was carried out twice is found, in what counts and in what was left over', async () => {
  const twice = first<ActionRow>((rows) => [...rows.slice(0, 1), ...rows]);
  expectFound(await checkForged({ actions: twice }), 'actions');
  const { ledger, root } = await forge(evidence.ledger, evidence.job, path.join(own, `forged-${++copies}`), {});
  await ledger.job(evidence.job).writeActions('0', moved.slice(0, 1), { run: 'late', activity: 'a', attempt: 1 });
  expectFound(await checkJob({ ...evidence, ledger, root }), 'actions');
});

test('an action on what is clean, in another version, or not done, is found', async () => {
  const clean = await itemThat((one) => one.outcome === 'clean');
  const on = first<ActionRow>(([one, ...rest]) => {
    if (one === undefined) return rest;
    const { item, location } = clean;
    return [
      { ...one, finding: `${evidence.job}/${item}`, item, location, version: clean.judged?.version ?? '' },
      ...rest,
    ];
  });
  expectFound(await checkForged({ actions: on }), 'actions');
  const version = first<ActionRow>((rows) => rows.map((one) => ({ ...one, version: 'fs1:0:0:0:0:0' })));
  expectFound(await checkForged({ actions: version }), 'actions');
  const undone = first<ActionRow>((rows) => rows.map((one) => ({ ...one, state: 'failed', code: 'storage_error' })));
  expectFound(await checkForged({ actions: undone }), 'actions');
});

test('a sum that was told and is not the rows’ is found', async () => {
  const told = evidence.told.map((one) => ({ ...one, listed: one.listed + 1 }));
  expectFound(await checkJob({ ...evidence, told }), 'sums');
});

test('a file that was there before the scan and is not listed is found', async () => {
  const expected = new Map([...evidence.expected, ['d0000/missed', { outcome: 'clean' as const }]]);
  expectFound(await checkJob({ ...evidence, expected }), 'listing');
});
