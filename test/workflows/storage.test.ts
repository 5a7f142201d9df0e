import { readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assetList, checkAnswer, estimateResource, previewAnswer } from '../../api/answer-schemas.ts';
import type { ApiError } from '../../api/client.ts';
import { ANSWER_KEPT_MS } from '../../ledger/answers.ts';
import { type RealApi, startRealApi } from '../support/api.ts';
import { writeFiles } from '../support/files.ts';
import { historyText } from '../support/history.ts';
import { Plant } from '../support/plant.ts';

let plant: Plant;
let api: RealApi;
let asset: string;

/** A connector at a site of its own, and a folder that is none. */
beforeAll(async () => {
  plant = await Plant.start();
  asset = path.join(plant.folder, 'share');
  writeFiles(asset, {
    'reports/a.docx': 'a',
    'reports/b.docx': 'bb',
    'reports/canary one.tmp': 'ccc',
    'reports/large.docx': 'x'.repeat(2_000),
    'tmp/canary two.docx': 'd',
    'other/canary three.txt': 'e',
  });
  symlinkSync('a.docx', path.join(asset, 'reports/canary-link.docx'));
  const file = path.join(plant.home, 'dsx-connect.yaml');
  const filter = '"*.docx -tmp"';
  const share = `{id: share, kind: filesystem, asset: ${asset}, filter: ${filter}, maxSize: 1000, site: plant}`;
  const gone = `{id: gone, kind: filesystem, asset: ${asset}/canary-nowhere, site: plant}`;
  writeFileSync(file, `connectors:\n  - ${share}\n  - ${gone}\n`);
  const env = { DSX_CONFIG: file };
  await Promise.all([
    plant.worker({ ...env, DSXCONNECT_WORKER_ROLES: 'orchestrator' }),
    plant.worker({ ...env, DSXCONNECT_WORKER_ROLES: 'scan', DSXCONNECT_SITE: 'plant' }),
    plant.worker({ ...env, DSXCONNECT_WORKER_ROLES: 'scan' }),
  ]);
  api = await startRealApi(plant, env);
}, 60_000);
afterAll(async () => {
  await api.stop();
  await plant.stop();
});

/** The histories of all workflows there were. */
async function histories(): Promise<string> {
  const texts: string[] = [];
  for await (const { workflowId } of plant.client.workflow.list()) {
    texts.push(await historyText(plant.client, workflowId));
  }
  return texts.join('\n');
}

const refusal = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: ApiError) => ({ code: error.code, detail: error.problem?.detail, reason: error.problem?.reason }),
  );

test('a preview shows what a scan would list, and why what is left out is', async () => {
  const preview = previewAnswer.parse(await api.client.preview({ connector: 'share' }));
  expect(preview).toMatchObject({ filter: '*.docx -tmp', more: false, partial: false, gaps: [] });
  expect(preview.items.map(({ location, size, notScanned }) => [location, size, notScanned?.reason])).toEqual([
    ['reports/a.docx', 1, undefined],
    ['reports/b.docx', 2, undefined],
    ['reports/canary-link.docx', 6, 'link'],
    ['reports/large.docx', 2_000, 'size'],
  ]);
  expect(preview.leftOut).toEqual(
    expect.arrayContaining([
      { location: 'reports/canary one.tmp', why: 'not_included' },
      { location: 'other/canary three.txt', why: 'not_included' },
      { location: 'tmp/', why: 'excluded', rule: '-tmp' },
    ]),
  );
  expect(preview.outside).toBe(3);
});

test('a preview of fewer says that there is more; another filter and a folder are as good', async () => {
  const first = await api.client.preview({ connector: 'share' }, { limit: 2, filter: '' });
  expect(first.items.map(({ location }) => location)).toEqual(['other/canary three.txt', 'reports/a.docx']);
  expect(first).toMatchObject({ more: true, partial: false, filter: '', leftOut: [] });
  const folder = await api.client.preview({ folder: asset }, { filter: 'tmp', maxSize: 1 });
  expect(folder.source).toMatchObject({ kind: 'folder', path: asset });
  expect(folder.items.map(({ location }) => location)).toEqual(['tmp/canary two.docx']);
});

test('what a scan lists is what the preview showed', async () => {
  const { job } = await api.client.startJob({ connector: 'share', scanner: 'standin' });
  for await (const _ of api.client.events(job)) {
    // Till its end.
  }
  const { rows } = await api.client.outcomes(job);
  const preview = await api.client.preview({ connector: 'share' });
  const shown = preview.items.map(({ location, notScanned }) => [location, notScanned?.outcome ?? 'clean']);
  expect(rows.map(({ location, outcome }) => [location, outcome])).toEqual(shown);
  const estimate = await counted();
  expect([estimate.items, estimate.scanItems]).toEqual([rows.length, 2]);
});

test('the assets of a connector come in pages, and a page belongs to its connector', async () => {
  const found: string[] = [];
  let next: string | undefined;
  let last = '';
  do {
    const page = assetList.parse(
      await api.client.assets('share', { limit: 1, ...(next !== undefined && { after: next }) }),
    );
    found.push(...page.assets.map((one) => one.asset));
    next = page.next;
    last = next ?? last;
  } while (next !== undefined);
  expect(found).toEqual([asset, `${asset}/other`, `${asset}/reports`, `${asset}/tmp`]);
  expect(await refusal(api.client.assets('gone', { after: last }))).toMatchObject({ code: 'request_invalid' });
  expect(await refusal(api.client.assets('share', { after: 'a'.repeat(96) }))).toMatchObject({
    code: 'request_invalid',
  });
});

async function counted() {
  const { estimate } = await api.client.startEstimate({ connector: 'share' });
  for (;;) {
    const now = await api.client.estimate({ connector: 'share' }, estimate);
    if (now.state !== 'running') return now;
  }
}

test('an estimate is counted, told, kept, and found under its connector alone', async () => {
  const begun = estimateResource.parse(await api.client.startEstimate({ connector: 'share' }, { maxSeconds: 60 }));
  expect(begun).toMatchObject({ state: 'running', items: 0, source: { kind: 'connector', id: 'share' } });
  const { estimate } = begun;
  const ended = estimateResource.parse(await counted());
  expect(ended).toMatchObject({
    state: 'completed',
    partial: false,
    items: 4,
    bytes: 2_009,
    scanItems: 2,
    scanBytes: 3,
    notScanned: { 'skipped/link': 1, 'skipped/size': 1 },
    outside: 3,
    gaps: 0,
  });
  expect(ended.requests).toBeGreaterThan(0);
  const place = { connector: 'share' };
  const stopped = await api.client.stopEstimate(place, ended.estimate);
  expect(stopped).toEqual(ended);
  expect(await refusal(api.client.estimate({ connector: 'gone' }, estimate))).toMatchObject({
    code: 'estimate_not_found',
  });
  expect(await refusal(api.client.estimate(place, 'estimate-1'))).toMatchObject({ code: 'estimate_not_found' });
  const of = await api.client.startEstimate({ folder: asset });
  expect((await api.client.stopEstimate({ folder: asset }, of.estimate)).state).toMatch(/stopped|completed/);
});

test('a storage that is not there is told, with what to do', async () => {
  const preview = await refusal(api.client.preview({ connector: 'gone' }));
  expect(preview).toMatchObject({ code: 'storage_failed', detail: expect.stringContaining('canary-nowhere') });
  expect(await refusal(api.client.assets('gone'))).toMatchObject({ code: 'storage_failed', reason: preview?.reason });
  const { estimate } = await api.client.startEstimate({ connector: 'gone' });
  let now = await api.client.estimate({ connector: 'gone' }, estimate);
  while (now.state === 'running') now = await api.client.estimate({ connector: 'gone' }, estimate);
  expect(now).toMatchObject({ state: 'failed', partial: true, items: 0, failure: { code: preview?.reason } });
  expect(await refusal(api.client.preview({ connector: 'share' }, { filter: '"' }))).toMatchObject({
    code: 'filter_invalid',
  });
});

test('a check of a folder says which it was, like that of a connector', async () => {
  expect(checkAnswer.parse(await api.client.check({ folder: asset }, 'nothing'))).toMatchObject({
    folder: asset,
    ok: true,
  });
  expect(checkAnswer.parse(await api.client.check({ connector: 'gone' }))).toMatchObject({
    connector: 'gone',
    ok: false,
  });
  const bare = path.join(asset, 'nowhere');
  expect((await api.client.check({ folder: bare })).ok).toBe(false);
});

test('no history names an item, and the answers are swept', async () => {
  const text = await histories();
  expect(text).toContain('_answers/');
  // The folder of a failed listing is the asset itself, as the configuration has it.
  expect(text.replaceAll('canary-nowhere', '')).not.toMatch(/canary|a\.docx|large\.docx/);
  const answers = () => readdirSync(path.join(plant.home, 'state/ledger/_answers'));
  expect(answers().length).toBeGreaterThan(5);
  expect(await plant.ledger.answers.sweep(Date.now() - ANSWER_KEPT_MS)).toBe(0);
  const before = answers().length;
  expect(await plant.ledger.answers.sweep(Date.now() + 1)).toBe(before);
  expect(answers()).toEqual([]);
});
