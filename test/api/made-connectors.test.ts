import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiClient, ApiError } from '../../api/client.ts';
import { API_PREFIX } from '../../api/contract.ts';
import { connectorWorkflowId, watchWorkflowId } from '../../workflows/messages.ts';
import { type RealApi, startRealApi } from '../support/api.ts';
import { EICAR, writeMany } from '../support/files.ts';
import { Plant, type WorkerProcess } from '../support/plant.ts';

const SECRET = 'a-secret-that-nobody-may-see-0123456789';
const ENV = { DSX_SECRET_HOOK: Buffer.alloc(32, 7).toString('base64'), DSX_SECRET_ZIP: SECRET };

let plant: Plant;
let worker: WorkerProcess;
let api: RealApi;
let client: ApiClient;
beforeAll(async () => {
  plant = await Plant.start();
  mkdirSync(path.join(plant.home, 'state'), { recursive: true });
  const file = { id: 'share', kind: 'filesystem', asset: plant.folder };
  writeFileSync(path.join(plant.home, 'state', 'dsx-connect.yaml'), JSON.stringify({ connectors: [file] }));
  writeMany(plant.folder, 20);
  writeFileSync(path.join(plant.folder, 'bad.com'), EICAR);
  [api, worker] = await Promise.all([startRealApi(plant, ENV), plant.worker(ENV)]);
  client = api.client;
});
afterAll(async () => {
  await api.stop();
  await plant.stop();
});

async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'done';
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return `${error.status} ${error.code}: ${error.message}`;
  }
}
const folder = (more: object = {}) => ({ kind: 'filesystem', asset: plant.folder, ...more });
async function ended(job: string) {
  return await expect
    .poll(async () => (await client.job(job)).state, { timeout: 30_000 })
    .toMatch(/^completed/)
    .then(() => client.job(job));
}

describe('connectors that are made through the API', () => {
  it('are made, scanned at once, changed by the revision that was seen, and deleted', async () => {
    const made = await client.createConnector({ id: 'one', ...folder({ filter: '*.com' }) });
    expect(made).toMatchObject({ id: 'one', managed: 'api', revision: 1, createdBy: 'local', filter: '*.com' });
    expect(made.definition).toEqual({ id: 'one', ...folder({ filter: '*.com' }) });
    const { job } = await client.startJob({ connector: 'one', scanner: 'standin' });
    expect((await ended(job)).counters).toMatchObject({ outcomes: { malicious: 1, clean: 0 } });

    const changed = await client.replaceConnector('one', {
      ...folder({ filter: '-*.com', action: 'tag' }),
      revision: 1,
    });
    expect(changed).toMatchObject({ revision: 2, updatedBy: 'local', action: 'tag', createdAt: made.createdAt });
    const second = await client.startJob({ connector: 'one', scanner: 'standin', action: 'nothing' });
    expect((await ended(second.job)).counters).toMatchObject({ outcomes: { malicious: 0, clean: 20 } });
    expect(await refusal(client.replaceConnector('one', { ...folder(), revision: 1 }))).toMatch(
      /^409 connector_changed: .*revision 2 is there now/,
    );
    const edit = async (method: string, match: string) => {
      const response = await fetch(`${client.origin}${API_PREFIX}/connectors/one`, {
        method,
        headers: { 'content-type': 'application/json', 'if-match': match },
        ...(method === 'PUT' && { body: JSON.stringify(folder()) }),
      });
      return [response.status, ((await response.json()) as { revision?: number }).revision];
    };
    expect(await edit('PUT', '"1"')).toEqual([412, 2]);
    const seen = await fetch(`${client.origin}${API_PREFIX}/connectors/one`);
    expect(await edit('PUT', seen.headers.get('etag') ?? '')).toEqual([200, 3]);
    expect(await edit('DELETE', '"2"')).toEqual([412, 3]);

    expect(await client.deleteConnector('one')).toEqual({ id: 'one', deleted: true });
    expect(await refusal(client.connector('one'))).toMatch(/^404 connector_not_found/);
    expect(await refusal(client.deleteConnector('one'))).toMatch(/^404 connector_not_found/);
    expect(await refusal(client.replaceConnector('one', { ...folder(), revision: 3 }))).toMatch(/^404/);
    // What was scanned stays told.
    expect((await client.job(job)).source).toMatchObject({ id: 'one' });
    expect(await client.createConnector({ id: 'one', ...folder() })).toMatchObject({ revision: 5 });
    await client.deleteConnector('one');
  });

  it('are refused with the field where they can not be', async () => {
    const create = (body: object) => refusal(client.createConnector({ id: 'x', ...folder(), ...body }));
    expect(await create({ id: 'share' })).toMatch(/^409 connector_exists/);
    expect(await create({ id: 'Über' })).toMatch(/^400 request_invalid: body: id: must be 1 to 63/);
    expect(await create({ id: '7c9e6679-7425-40de-944b-e07fc1f90ae7' })).toMatch(/must not be a UUID/);
    expect(await create({ id: 'folder-a' })).toMatch(/^400 request_invalid: body: id: must not start with folder-/);
    expect(await create({ kind: 'ftp' })).toMatch(/^400 request_invalid: body: kind/);
    expect(await create({ asset: 'relative' })).toMatch(/^400 request_invalid: body: asset: must be an absolute path/);
    expect(await create({ assets: 'x' })).toMatch(/body: assets: is not a field; did you mean asset\?/);
    expect(await create({ scanPassword: SECRET })).toMatch(/body: scanPassword: must name a variable of the workers/);
    expect(await refusal(client.replaceConnector('share', { ...folder(), revision: 1 }))).toMatch(
      /^409 connector_managed/,
    );
    expect(await refusal(client.deleteConnector('share'))).toMatch(/^409 connector_managed/);
    await client.createConnector({ id: 'two', ...folder() });
    expect(await refusal(client.replaceConnector('two', folder()))).toMatch(/^400 request_invalid: body: revision/);
    expect(await refusal(client.replaceConnector('two', { ...folder({ id: 'one' }), revision: 1 }))).toMatch(
      /^400 request_invalid: body: id: must be two/,
    );
    await client.deleteConnector('two');
  });

  it('are changed by one at a time, whoever asks at once', async () => {
    const made = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        refusal(client.createConnector({ id: 'many', ...folder({ filter: `${i}` }) })),
      ),
    );
    expect(made.filter((one) => one === 'done')).toHaveLength(1);
    expect(made.filter((one) => one.startsWith('409 connector_exists'))).toHaveLength(9);
    const edits = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        refusal(client.replaceConnector('many', { ...folder({ filter: `e${i}` }), revision: 1 })),
      ),
    );
    expect(edits.filter((one) => one === 'done')).toHaveLength(1);
    expect(edits.filter((one) => one.startsWith('409 connector_changed'))).toHaveLength(9);
    expect(await client.connector('many')).toMatchObject({ revision: 2 });
    await client.deleteConnector('many');
  });

  it('are not deleted while a scan of them runs or a schedule names them', async () => {
    await client.createConnector({ id: 'busy', ...folder() });
    const schedule = { id: 'busy-nightly', connector: 'busy', cron: '30 2 * * *', scanner: 'standin' };
    await client.createSchedule(schedule);
    await expect.poll(() => refusal(client.deleteConnector('busy'))).toMatch(/schedule busy-nightly scans it/);
    await client.deleteSchedule(schedule.id);
    plant.standin.setOptions({ latencyMs: 400, workers: 1 });
    const { job } = await client.startJob({ connector: 'busy', scanner: 'standin' });
    await expect
      .poll(() => refusal(client.deleteConnector('busy')))
      .toMatch(new RegExp(`^409 connector_in_use: .*job ${job} runs`));
    // Nor led to another asset, where what it has listed would mean other items; anything else of them may change.
    const elsewhere = { kind: 'filesystem', asset: path.join(plant.folder, 'other') };
    expect(await refusal(client.replaceConnector('busy', { ...elsewhere, revision: 1 }))).toMatch(
      new RegExp(`^409 connector_in_use: .*job ${job} runs`),
    );
    await client.replaceConnector('busy', { ...folder({ maxActions: 5 }), revision: 1 });
    plant.standin.setOptions({ latencyMs: 0, workers: 8 });
    await ended(job);
    await expect.poll(() => refusal(client.deleteConnector('busy')), { timeout: 10_000 }).toBe('done');
  });

  it('are there again after every process was killed, and known to another API within seconds', async () => {
    await client.createConnector({ id: 'lasting', ...folder({ filter: '*.com' }) });
    const other = await startRealApi(plant, ENV);
    expect(await other.client.connector('lasting')).toMatchObject({ revision: 1 });
    await client.replaceConnector('lasting', { ...folder({ filter: '-*.com' }), revision: 1 });
    await expect.poll(async () => (await other.client.connector('lasting')).filter, { timeout: 8_000 }).toBe('-*.com');
    await other.stop();
    // A worker dies with a change in hand: the next one carries it out.
    worker.kill('SIGKILL');
    const change = refusal(client.replaceConnector('lasting', { ...folder({ filter: 'third' }), revision: 2 }));
    worker = await plant.worker(ENV);
    expect(await change).toMatch(/^done|^503 no_worker/);
    await expect.poll(async () => (await client.connector('lasting')).filter, { timeout: 20_000 }).toBe('third');
    expect(await client.connector('lasting')).toMatchObject({ revision: 3 });
    const { status } = await plant.client.workflow.getHandle(connectorWorkflowId('lasting')).describe();
    await expect.poll(() => status.name).toBe('COMPLETED');
    await client.deleteConnector('lasting');
  });

  it('are watched as soon as they say so, hear their webhooks, and are watched no more when they are gone', async () => {
    const webhook = [{ source: 'signed', secret: '$' + '{DSX_SECRET_KEY}' }];
    const watch = { webhook, reconcile: '1h' };
    expect(await refusal(client.createConnector({ id: 'live', ...folder({ watch }) }))).toMatch(
      /body: watch.webhook.secret: refers to DSX_SECRET_KEY, which is not set where the API runs/,
    );
    const call = async () => {
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
      return (await fetch(`${client.origin}${API_PREFIX}/events/signed/live`, init)).status;
    };
    expect(await call()).toBe(404);
    const heard = { webhook: [{ source: 'signed', secret: '$' + '{DSX_SECRET_HOOK}' }], pull: { files: {} } };
    const made = await client.createConnector({ id: 'live', ...folder({ watch: heard }) });
    // Heard, and not proven.
    expect(await call()).toBe(401);
    expect(made.watched).toBe(true);
    const handle = plant.client.workflow.getHandle(watchWorkflowId('live'));
    const state = () =>
      handle.describe().then(
        ({ status }) => status.name,
        () => 'none',
      );
    await expect.poll(state, { timeout: 15_000 }).toBe('RUNNING');
    writeFileSync(path.join(plant.folder, 'arrives.com'), `${EICAR} `);
    const jobs = async () => (await client.jobs()).jobs.filter(({ source }) => source.id === 'live');
    await expect
      .poll(async () => (await jobs()).map(({ counters }) => counters.outcomes.malicious), { timeout: 20_000 })
      .toEqual([1]);
    await client.deleteConnector('live');
    expect(await call()).toBe(404);
    await expect.poll(state, { timeout: 15_000 }).toBe('COMPLETED');
    await expect.poll(async () => (await jobs()).map((job) => job.state), { timeout: 20_000 }).toEqual(['cancelled']);
  });

  it('end what they heard of one asset when they lead to another, and go on with that', async () => {
    const [old, other] = ['old', 'other'].map((name) => path.join(plant.home, name)) as [string, string];
    for (const one of [old, other]) mkdirSync(one);
    const watch = { pull: { files: { settle: '1s' } } };
    const at = (asset: string) => ({ kind: 'filesystem', asset, watch });
    await client.createConnector({ id: 'moving', ...at(old) });
    const jobs = async () =>
      (await client.jobs()).jobs
        .filter(({ source }) => source.id === 'moving')
        .map(({ state, counters }) => `${state} ${counters.outcomes.malicious}`)
        .sort();
    await expect
      .poll(() => plant.client.workflow.getHandle(watchWorkflowId('moving')).describe(), { timeout: 15_000 })
      .toBeTruthy();
    writeFileSync(path.join(old, 'a.com'), EICAR);
    await expect.poll(jobs, { timeout: 30_000 }).toEqual(['running 1']);
    await client.replaceConnector('moving', { ...at(other), revision: 1 });
    await expect.poll(jobs, { timeout: 20_000 }).toEqual(['cancelled 1']);
    let n = 0;
    // The source is asked of the other folder from its next turn on.
    await expect
      .poll(
        async () => {
          writeFileSync(path.join(other, `b${++n}.com`), EICAR);
          return (await jobs()).some((job) => /^running [1-9]/.test(job));
        },
        { timeout: 90_000, interval: 2_000 },
      )
      .toBe(true);
    await client.deleteConnector('moving');
  }, 150_000);

  it('that can not be used any more can be mended and deleted', async () => {
    const at = new Date(0).toISOString();
    const definition = { id: 'stuck', kind: 'aws_s3', asset: 'uploads', endpoint: 'https://elsewhere.example' };
    const by = { by: 'ann', createdAt: at, createdBy: 'ann', local: false, deleted: false };
    for (const id of ['stuck', 'stuck-2']) {
      const entry = { format: 1 as const, id, revision: 1, at, ...by, definition: { ...definition, id } };
      await plant.ledger.connectors.append(entry);
    }
    expect(await refusal(client.connector('stuck'))).toMatch(/^404/);
    expect(await refusal(client.createConnector({ id: 'stuck', ...folder() }))).toMatch(/^409 connector_exists/);
    expect(await client.replaceConnector('stuck', { ...folder(), revision: 1 })).toMatchObject({ revision: 2 });
    for (const id of ['stuck', 'stuck-2']) await client.deleteConnector(id);
  });

  it('are changed by any number at once, of whom each is answered', async () => {
    await client.createConnector({ id: 'crowd', ...folder() });
    const edits = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        refusal(client.replaceConnector('crowd', { ...folder({ filter: `e${i}` }), revision: 1 })),
      ),
    );
    const answers = edits.map((one) => one.split(':')[0]);
    expect([answers.filter((one) => one === 'done').length, new Set(answers)]).toEqual([
      1,
      new Set(['done', '409 connector_changed']),
    ]);
    await client.deleteConnector('crowd');
  });

  it('are scanned as they are by every worker, also right after a change', async () => {
    const second = await plant.worker(ENV);
    const folders = [0, 1].map((number) => {
      const asset = path.join(plant.home, `turn-${number}`);
      mkdirSync(asset);
      for (let i = 0; i <= number; i++) writeFileSync(path.join(asset, `${number}-${i}.txt`), `text ${number} ${i}`);
      return asset;
    });
    let { revision } = await client.createConnector({ id: 'turns', kind: 'filesystem', asset: folders[1] });
    for (let turn = 0; turn < 6; turn++) {
      const body = { kind: 'filesystem', asset: folders[turn % 2], revision };
      // A scan that has just ended may still count as running for a moment.
      await expect.poll(() => refusal(client.replaceConnector('turns', body)), { timeout: 10_000 }).toBe('done');
      revision = (revision ?? 0) + 1;
      const { job } = await client.startJob({ connector: 'turns', scanner: 'standin' });
      expect([turn, (await ended(job)).listed]).toEqual([turn, (turn % 2) + 1]);
      const { rows } = await client.outcomes(job);
      expect(rows.map(({ location }) => location[0])).toEqual(Array((turn % 2) + 1).fill(`${turn % 2}`));
    }
    second.kill('SIGKILL');
    await expect.poll(() => refusal(client.deleteConnector('turns')), { timeout: 10_000 }).toBe('done');
  });

  it('are given back only what they had: a restore into another asset is refused', async () => {
    const [one, two] = ['one', 'two'].map((name) => path.join(plant.home, name)) as [string, string];
    for (const asset of [one, two]) mkdirSync(asset);
    writeFileSync(path.join(one, 'bad.com'), EICAR);
    const put = (asset: string, revision: number) =>
      client.replaceConnector('moves', { kind: 'filesystem', asset, action: 'move', revision });
    await client.createConnector({ id: 'moves', kind: 'filesystem', asset: one, action: 'move' });
    const { job } = await client.startJob({ connector: 'moves', scanner: 'standin' });
    await ended(job);
    await expect.poll(() => refusal(put(two, 1)), { timeout: 10_000 }).toBe('done');
    expect(await refusal(client.restore(job))).toMatch(/^409 connector_changed: .*leads to another asset now/);
    expect(readdirSync(two)).toEqual([]);
    // Another filter is the same asset.
    await put(one, 2);
    await client.replaceConnector('moves', { kind: 'filesystem', asset: one, filter: '*.txt', revision: 3 });
    const { job: back } = await client.restore(job);
    await ended(back);
    expect(readdirSync(one)).toEqual(['bad.com']);
    await expect.poll(() => refusal(client.deleteConnector('moves')), { timeout: 10_000 }).toBe('done');
  });

  it('are changed with no secret in the ledger', async () => {
    await client.createConnector({ id: 'locked', ...folder({ scanPassword: '$' + '{DSX_SECRET_ZIP}' }) });
    const { job } = await client.startJob({ connector: 'locked', scanner: 'standin' });
    await ended(job);
    expect(plant.standin.requests().some(({ password }) => password === true)).toBe(true);
    const ledger = plant.ledger.place;
    const files = readdirSync(ledger, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const holding = files.filter(({ parentPath, name }) => readFileSync(path.join(parentPath, name)).includes(SECRET));
    expect([files.length > 10, holding]).toEqual([true, []]);
    // The run of the job ends just behind its account.
    await expect.poll(() => refusal(client.deleteConnector('locked'))).toBe('done');
  });
});
