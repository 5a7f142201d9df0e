import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isFinal } from '../../domain/job.ts';
import { rowsOf } from '../../domain/outcome.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { remoteSecret } from '../../net/remote-keys.ts';
import { type RealApi, startRealApi } from '../support/api.ts';
import { EICAR, writeFiles, writeMany } from '../support/files.ts';
import { OldConnector, signatureOf } from '../support/old-connector.ts';
import { Plant } from '../support/plant.ts';

const TOKEN = 'a-token-of-sixteen-characters-and-more';
const MASTER = 'f'.repeat(64);
const PREFIX = '/dsx-connect/api/v1/';

let plant: Plant;
let api: RealApi;
const connectors: OldConnector[] = [];

beforeAll(async () => {
  plant = await Plant.start();
  const file = path.join(plant.home, 'remote-key');
  writeFileSync(file, MASTER);
  const auth = { DSXCONNECT_AUTH__ENABLED: 'true', DSXCONNECT_REMOTE_KEY_FILE: file };
  api = await startRealApi(plant, {
    ...auth,
    DSXCONNECT_AUTH__ENROLLMENT_TOKENS: `["${TOKEN}"]`,
    DSXCONNECT_REMOTE_QUIET: '1',
  });
  await plant.worker(auth);
}, 120_000);

afterAll(async () => {
  for (const connector of connectors) await connector.kill();
  await api?.stop();
  await plant?.stop();
});

async function enrolled(name: string, action = 'nothing'): Promise<OldConnector> {
  const folder = path.join(plant.folder, name);
  mkdirSync(folder);
  const connector = new OldConnector({ api: api.origin, folder, token: TOKEN, batch: 50, action });
  connectors.push(connector);
  expect((await connector.start()).status).toBe(201);
  return connector;
}

test('whoever has no token is not let in, and gets no key', async () => {
  for (const token of [undefined, 'dev-enroll', `${TOKEN}x`]) {
    const stranger = new OldConnector({ api: api.origin, folder: plant.folder, ...(token !== undefined && { token }) });
    connectors.push(stranger);
    expect(await stranger.start()).toMatchObject({ status: 401, body: { detail: 'invalid_enrollment_token' } });
    expect(stranger.key).toBeUndefined();
  }
});

test('a scan is signed both ways', async () => {
  const connector = await enrolled('signed', 'delete');
  writeMany(connector.options.folder, 120);
  writeFiles(connector.options.folder, { 'bad.com': EICAR });
  const { id = '', secret } = connector.key ?? {};
  expect(secret).toBe(remoteSecret(MASTER, id));
  const { job } = await api.client.startJob({ connector: connector.uuid, scanner: 'standin' });
  for (;;) {
    const progress = await api.client.job(job);
    if (!isFinal(progress.state)) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      continue;
    }
    expect(progress).toMatchObject({ state: 'completed', listed: 121, actions: { done: 1 } });
    break;
  }
  expect(connector.unsigned).toBe(0);
}, 120_000);

test('a request that is replayed, tampered with, from another time or of another connector is refused', async () => {
  const one = await enrolled('one');
  const other = await enrolled('other');
  const body = JSON.stringify(await one.requestOf('/a'));
  const target = `${PREFIX}scan/request`;
  const send = (text: string, authorization: string | undefined) =>
    one.call(
      'POST',
      'scan/request',
      text,
      authorization === undefined ? { Authorization: '' } : { Authorization: authorization },
    );
  const now = Math.floor(Date.now() / 1000);
  const good = one.sign('POST', target, body) ?? '';
  expect((await send(body, good)).status).toBe(202);
  expect(await send(body, good)).toMatchObject({ status: 401, body: { detail: 'replayed' } });
  const forged = one.sign('POST', target, body) ?? '';
  expect(await send(`${body} `, forged)).toMatchObject({ status: 401, body: { detail: 'bad_signature' } });
  for (const ts of [now - 3_600, now + 3_600]) {
    const old = one.sign('POST', target, body, ts) ?? '';
    expect(await send(body, old)).toMatchObject({ status: 401, body: { detail: 'stale_request' } });
  }
  expect(await send(body, undefined)).toMatchObject({ status: 401, body: { detail: 'missing_hmac' } });
  const foreign = other.sign('POST', target, body) ?? '';
  expect(await send(body, foreign)).toMatchObject({ status: 403, body: { detail: 'foreign_connector' } });
  for (const [method, about] of [
    ['DELETE', `connectors/unregister/${one.uuid}`],
    ['PUT', `connectors/state/${one.uuid}/ns/key`],
    ['GET', `connectors/state/${one.uuid}/ns/key`],
  ] as const) {
    expect(await other.call(method, about)).toMatchObject({ status: 403, body: { detail: 'foreign_connector' } });
  }
  expect(signatureOf('c2VjcmV0', 'GET', '/fs-connector/config', 1_700_000_000, 'bm9uY2U=', '')).toBe(
    'uv0I8nbO6SMQbLh5cEnyPJe3iHkUbq3AOCEYn1KGUmM=',
  );
});

test('values are kept under keys of any spelling', async () => {
  const connector = await enrolled('state');
  const at = `connectors/state/${connector.uuid}/delta/${encodeURIComponent('delta:user@x/y z')}`;
  expect((await connector.call('GET', at)).body).toEqual({ value: null });
  for (const value of ['first', 'sécond']) expect((await connector.call('PUT', at, value)).status).toBe(204);
  expect((await connector.call('GET', at)).body).toEqual({ value: 'sécond' });
  expect((await connector.call('GET', `connectors/state/${connector.uuid}/delta/other`)).body).toEqual({ value: null });
});

test('who leaves loses the key after a while, and gets another one when coming back', async () => {
  const connector = await enrolled('leaving');
  const before = connector.key;
  expect(await connector.unregister()).toBe(204);
  expect((await api.client.connectors()).connectors.map(({ id }) => id)).not.toContain(connector.uuid);
  const back = await connector.register();
  expect(back.status).toBe(201);
  expect(connector.key?.id).not.toBe(before?.id);
  expect((await connector.call('POST', 'scan/auth_check')).status).toBe(200);
  const found = (await api.client.connectors()).connectors.find(({ id }) => id === connector.uuid);
  expect(found).toMatchObject({ kind: 'remote', remote: { present: true, status: 'ready', url: connector.url } });
});

async function scanned(connector: OldConnector): Promise<void> {
  const { job } = await api.client.startJob({ connector: connector.uuid, scanner: 'standin' });
  await until(async () => isFinal((await api.client.job(job)).state));
  expect(await api.client.job(job)).toMatchObject({ state: 'completed', listed: 20, gaps: [], actions: { done: 0 } });
}

async function until(check: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error('it did not come about');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test('a key that is rotated goes on for its grace, is followed by the next at the next heartbeat, and ends', async () => {
  const connector = await enrolled('rotated');
  const stranger = await enrolled('stranger');
  writeMany(connector.options.folder, 20);
  const old = connector.key as { id: string; secret: string };
  const authCheck = async (key = connector.key) => {
    connector.key = key;
    return await connector.call('POST', 'scan/auth_check');
  };
  const rotated = await api.client.rotateConnectorKey(connector.uuid.toUpperCase(), { graceSeconds: 12 });
  expect(rotated).toMatchObject({ connector: connector.uuid, replaces: old.id });
  expect(rotated.id).not.toBe(old.id);
  expect(JSON.stringify(rotated)).not.toContain(remoteSecret(MASTER, rotated.id));

  // Until it registers again it has the old key: what it signs counts, and it is asked with what it knows.
  expect((await authCheck()).status).toBe(200);
  await scanned(connector);

  const third = api.client.rotateConnectorKey(connector.uuid, { graceSeconds: 60 });
  await expect(third).rejects.toMatchObject({ problem: { code: 'key_rotating', status: 409 } });

  expect((await connector.register()).status).toBe(200);
  const next = connector.key as { id: string; secret: string };
  expect(next).toEqual({ id: rotated.id, secret: remoteSecret(MASTER, rotated.id) });
  expect((await authCheck(next)).status).toBe(200);
  expect((await authCheck(old)).status).toBe(200);
  connector.key = next;
  await scanned(connector);

  // After the grace the old one is like any other that never was; one of another connector is none of its own.
  await until(async () => Date.now() > Date.parse(rotated.endsAt));
  expect(await authCheck(old)).toMatchObject({ status: 401, body: { detail: 'unknown_key_id' } });
  expect((await authCheck(next)).status).toBe(200);
  connector.key = stranger.key;
  const at = `connectors/state/${connector.uuid}/ns/key`;
  expect(await connector.call('PUT', at, 'x')).toMatchObject({ status: 403, body: { detail: 'foreign_connector' } });
  connector.key = next;
  expect((await connector.call('PUT', at, 'x')).status).toBe(204);
}, 120_000);

test('a scan goes on while the key is replaced, and nothing of it is held or failed', async () => {
  const connector = await enrolled('in-the-middle');
  writeMany(connector.options.folder, 400);
  plant.standin.setOptions({ latencyMs: 50, workers: 4 });
  const { job } = await api.client.startJob({ connector: connector.uuid, scanner: 'standin' });
  const reads = async (count: number) => await until(async () => connector.reads >= count);
  await reads(50);
  await api.client.rotateConnectorKey(connector.uuid);
  await reads(100);
  // What is asked from here on must be signed with the new key alone, also by who began before there was one.
  await connector.register();
  await reads(200);
  await api.client.rotateConnectorKey(connector.uuid, { graceSeconds: 0 });
  await connector.register();
  const states = new Set<string>();
  await until(async () => {
    const { state } = await api.client.job(job);
    states.add(state);
    return isFinal(state);
  });
  plant.standin.setOptions({ latencyMs: 0, workers: 1_000 });
  expect(await api.client.job(job)).toMatchObject({ state: 'completed', listed: 400, gaps: [] });
  expect(states).not.toContain('held');
}, 120_000);

test('without a grace a key ends at once, and the connector is back with its next heartbeat', async () => {
  const connector = await enrolled('at-once');
  const first = await api.client.rotateConnectorKey(connector.uuid, { graceSeconds: 60 });
  const { replaces } = await api.client.rotateConnectorKey(connector.uuid, { graceSeconds: 0 });
  expect(replaces).toBe(first.id);
  expect(await connector.call('POST', 'scan/auth_check')).toMatchObject({
    status: 401,
    body: { detail: 'unknown_key_id' },
  });
  expect((await connector.register()).status).toBe(200);
  expect((await connector.call('POST', 'scan/auth_check')).status).toBe(200);
});

test('who has no key has none that could be rotated', async () => {
  const connector = await enrolled('gone');
  await connector.unregister();
  for (const id of [connector.uuid, 'share', '00000000-0000-0000-0000-000000000000']) {
    await expect(api.client.rotateConnectorKey(id)).rejects.toMatchObject({ problem: { code: 'connector_not_found' } });
  }
});

test('an address that leads to where nobody may ask is refused', async () => {
  const connector = await enrolled('elsewhere');
  for (const url of [
    'http://169.254.169.254/latest',
    'http://10.0.0.7:8620/fs',
    'ftp://host/fs',
    'http://user@host/fs',
  ]) {
    const body = { name: 'fs', uuid: connector.uuid, url };
    const answer = await connector.call('POST', 'connectors/register', body, { 'X-Enrollment-Token': TOKEN });
    expect(answer.status).toBe(422);
  }
});

test('the audit log tells who registered, whose key was replaced, and who left', async () => {
  const connector = await enrolled('audited');
  for (let i = 0; i < 3; i++) await connector.register();
  await api.client.rotateConnectorKey(connector.uuid);
  await connector.register();
  await connector.call('DELETE', `connectors/unregister/${connector.uuid}`);
  const { entries } = await api.client.audit({ limit: 100 });
  const own = entries.filter((entry) => JSON.stringify(entry).includes(connector.uuid));
  expect(own.map(({ actor, action }) => `${actor} ${action}`).reverse()).toEqual([
    `connector:${connector.uuid} POST /connectors/register`,
    'local POST /connectors/:id/key/rotate',
    `connector:${connector.uuid} DELETE /connectors/unregister/:uuid`,
  ]);
  expect(JSON.stringify(own)).not.toContain(connector.key?.secret);
});

test('5,000 files, signed: the connector dies in the middle and comes back; both accounts are exact, and what is malicious is moved', async () => {
  const folder = path.join(plant.folder, 'many');
  mkdirSync(folder);
  writeMany(folder, 4_998);
  writeFiles(folder, { 'a/bad1.com': EICAR, 'z/bad2.com': `${EICAR} ` });
  const options = { api: api.origin, folder, token: TOKEN, batch: 100, action: 'move' };
  const first = new OldConnector({ ...options, diesAfter: 2_000 });
  connectors.push(first);
  expect((await first.start()).status).toBe(201);
  const whole = async (job: string) => {
    await until(async () => isFinal((await api.client.job(job)).state));
    const progress = await api.client.job(job);
    const report = await verifyJob(plant.ledger.job(job), { root: progress.commit?.hash ?? '' });
    expect(report).toMatchObject({ problems: [], authentic: true });
    expect(rowsOf(progress.counters)).toBe(progress.listed);
    return progress;
  };
  const { job } = await api.client.startJob({ connector: first.uuid, scanner: 'standin' });
  await until(async () => first.pushed === 2_000);
  await first.kill();
  const again = new OldConnector({ ...options, uuid: first.uuid });
  connectors.push(again);
  expect((await again.start()).status).toBe(200);
  const cut = await whole(job);
  expect(cut).toMatchObject({ state: 'completed_with_gaps', listed: 2_000, gaps: [{ class: 'listing_broken' }] });

  const moved = cut.actions.done;
  const second = await api.client.startJob({ connector: first.uuid, scanner: 'standin' });
  const rest = await whole(second.job);
  expect(rest).toMatchObject({ state: 'completed', listed: 5_000 - moved, gaps: [], actions: { done: 2 - moved } });
  expect(rest.counters.outcomes).toMatchObject({ clean: 4_998, malicious: 2 - moved });
  expect([first.unsigned, again.unsigned]).toEqual([0, 0]);
}, 180_000);
