import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { KeyResource, NewKeyAnswer } from '../../api/contract.ts';
import { type Api, json, startApi } from './fixture.ts';

const BOOTSTRAP = 'canary-key-0123456789abcdef';
const ADMIN = { authorization: `Bearer ${BOOTSTRAP}` };

let api: Api;
const more: Api[] = [];
beforeEach(async () => {
  api = await startApi({ settings: { key: BOOTSTRAP } });
});
afterEach(async () => {
  for (const one of more.splice(0)) await one.stop();
  await api.stop();
});

async function make(name: string, body: object = {}): Promise<NewKeyAnswer> {
  const answer = await api.ask('/keys', json({ name, role: 'viewer', ...body }, ADMIN));
  expect(answer.status).toBe(201);
  return (await answer.json()) as NewKeyAnswer;
}
async function code(answer: Response): Promise<string> {
  return `${answer.status} ${((await answer.json()) as { code: string }).code}`;
}
function status(key: string, of = api): Promise<number> {
  return of.ask('/version', { headers: { authorization: `Bearer ${key}` } }).then((answer) => answer.status);
}
async function list(of = api): Promise<readonly KeyResource[]> {
  return ((await (await of.ask('/keys', { headers: ADMIN })).json()) as { keys: KeyResource[] }).keys;
}
/** Another process of the same installation. */
async function another(key = BOOTSTRAP): Promise<Api> {
  const made = await startApi({ settings: { key }, ledgerPlace: join(api.home, 'ledger') });
  more.push(made);
  return made;
}
async function ledgerText(): Promise<string> {
  const folder = join(api.home, 'ledger');
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const read = files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name), 'utf8'));
  return (await Promise.all(read)).join('\n');
}

test('a key is shown once, works at once, and lies nowhere', async () => {
  const { key, id, prefix, ...shown } = await make('ci', { role: 'operator' });
  expect(key).toMatch(/^dsx_[0-9a-f]{16}_[\w-]{43}$/);
  expect(key.startsWith(prefix)).toBe(true);
  expect(shown).toMatchObject({ name: 'ci', role: 'operator', state: 'live', createdBy: 'api-key' });
  expect(await status(key)).toBe(200);
  const secret = key.slice(prefix.length + 1);
  expect(JSON.stringify(await list())).not.toContain(secret);
  expect(await ledgerText()).not.toContain(secret);
  expect(api.logged.join('')).not.toContain(secret);
  expect((await list()).map((one) => one.id)).toEqual([id]);
});

test('the day of the last use is noted', async () => {
  const { key } = await make('ci');
  await status(key);
  await expect.poll(async () => (await list())[0]?.lastUsed).toBe(new Date().toISOString().slice(0, 10));
});

test('the actor is the name of the key', async () => {
  const { key } = await make('ci', { role: 'operator' });
  const headers = { authorization: `Bearer ${key}` };
  const { job } = (await (await api.ask('/jobs', json({ connector: 'share' }, headers))).json()) as { job: string };
  await api.ask(`/jobs/${job}/pause`, json({ reason: 'why' }, headers));
  expect(api.control.steered).toEqual(['pause by key:ci: why']);
});

test.each([
  ['changed at its end', (key: string) => `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`],
  ['without its secret', (key: string) => key.slice(0, 21)],
  ['of another id', (key: string) => key.replace(/^dsx_.{16}/, 'dsx_0123456789abcdef')],
  ['in capitals', (key: string) => key.toUpperCase()],
])('a key %s is refused as any other is', async (_, changed) => {
  const { key } = await make('ci');
  const wrong = await api.ask('/version', { headers: { authorization: `Bearer ${changed(key)}` } });
  const none = await api.ask('/version');
  expect([wrong.status, await wrong.text()]).toEqual([none.status, await none.text()]);
});

test('a revoked key is refused by every process within five seconds, and stays revoked', async () => {
  const { key, id } = await make('ci');
  const other = await another();
  expect([await status(key), await status(key, other)]).toEqual([200, 200]);
  const revoked = await api.ask(`/keys/${id}`, { method: 'DELETE', headers: ADMIN });
  expect(((await revoked.json()) as KeyResource).state).toBe('revoked');
  const from = performance.now();
  expect(await status(key)).toBe(401);
  await expect.poll(() => status(key, other), { timeout: 5_000, interval: 100 }).toBe(401);
  expect(performance.now() - from).toBeLessThan(5_000);
  expect((await api.ask(`/keys/${id}`, { method: 'DELETE', headers: ADMIN })).status).toBe(200);
  expect(await code(await api.ask(`/keys/${id}/rotate`, json({}, ADMIN)))).toBe('409 key_ended');
});

test('an event stream ends with its key', async () => {
  const { key, id } = await make('ci');
  const { job } = (await (await api.ask('/jobs', json({ connector: 'share' }, ADMIN))).json()) as { job: string };
  const stream = await api.ask(`/jobs/${job}/events`, { headers: { authorization: `Bearer ${key}` } });
  const ended = stream.text().then(
    () => 'ended',
    () => 'cut',
  );
  const from = performance.now();
  await api.ask(`/keys/${id}`, { method: 'DELETE', headers: ADMIN });
  expect(await ended).toBe('cut');
  expect(performance.now() - from).toBeLessThan(5_000);
});

test('a new key works in another process at once, or within two seconds where others were just looked up', async () => {
  const other = await another();
  const { key } = await make('ci');
  expect(await status(key, other)).toBe(200);
  const second = await make('ci-2');
  await expect.poll(() => status(second.key, other), { timeout: 2_000, interval: 50 }).toBe(200);
});

test('a rotated key goes on for its grace, beside its successor', async () => {
  const old = await make('ci', { role: 'operator' });
  const answer = await api.ask(`/keys/${old.id}/rotate`, json({}, ADMIN));
  const fresh = (await answer.json()) as NewKeyAnswer;
  expect(fresh).toMatchObject({ name: 'ci', role: 'operator', replaces: old.id });
  expect([await status(old.key), await status(fresh.key)]).toEqual([200, 200]);
  expect((await list())[0]).toMatchObject({ state: 'live', replacedBy: fresh.id });
  expect(await code(await api.ask(`/keys/${old.id}/rotate`, json({}, ADMIN)))).toBe('409 key_ended');

  const next = await api.ask(`/keys/${fresh.id}/rotate`, json({ graceSeconds: 0 }, ADMIN));
  const last = (await next.json()) as NewKeyAnswer;
  expect(await status(last.key)).toBe(200);
  expect(await status(fresh.key)).toBe(401);
});

test('of two rotations at once one has no successor left', async () => {
  const { id } = await make('ci');
  const both = await Promise.all([1, 2].map(() => api.ask(`/keys/${id}/rotate`, json({}, ADMIN))));
  expect(both.map((one) => one.status).sort()).toEqual([201, 409]);
  const states = (await list()).filter((one) => one.id !== id).map((one) => one.state);
  expect(states.filter((state) => state === 'live')).toHaveLength(1);
});

test('a key ends when it was said to', async () => {
  const { key } = await make('ci', { expiresAt: new Date(Date.now() + 600).toISOString() });
  expect(await status(key)).toBe(200);
  await expect.poll(() => status(key), { timeout: 5_000 }).toBe(401);
  expect((await list())[0]?.state).toBe('expired');
  const past = await api.ask('/keys', json({ name: 'past', role: 'viewer', expiresAt: '2020-01-01T00:00:00Z' }, ADMIN));
  expect(await code(past)).toBe('400 request_invalid');
});

test('a name is never given to another key', async () => {
  const { id } = await make('ci');
  await api.ask(`/keys/${id}`, { method: 'DELETE', headers: ADMIN });
  expect(await code(await api.ask('/keys', json({ name: 'ci', role: 'admin' }, ADMIN)))).toBe('409 key_name_taken');
  for (const name of ['', 'A', '../x', 'a b', '-a', 'a'.repeat(64)])
    expect(await code(await api.ask('/keys', json({ name, role: 'viewer' }, ADMIN)))).toBe('400 request_invalid');
});

test('who can only write to the ledger makes no key, and can not keep one alive', async () => {
  const mine = await make('mine');
  const folder = join(api.home, 'ledger/_keys');
  const made = JSON.parse(await readFile(join(folder, mine.id, 'made.json'), 'utf8')) as {
    record: object;
    seal: string;
  };
  const forged = { record: { ...made.record, role: 'admin' }, seal: made.seal };
  await writeFile(join(folder, mine.id, 'made.json'), JSON.stringify(forged));
  await writeFile(join(folder, mine.id, 'revoked.json'), 'nonsense');
  const other = await another();
  expect(await status(mine.key, other)).toBe(401);
  expect(await list(other)).toEqual([]);
  expect(await status(mine.key, await another('another-bootstrap-key'))).toBe(401);
});

test('without the ledger the key of the file still lets in, and others are told to come back', async () => {
  const { key } = await make('ci');
  await writeFile(join(api.home, 'file'), '');
  const lost = await startApi({ settings: { key: BOOTSTRAP }, ledgerPlace: join(api.home, 'file/ledger') });
  more.push(lost);
  expect(await status(BOOTSTRAP, lost)).toBe(200);
  const answer = await lost.ask('/version', { headers: { authorization: `Bearer ${key}` } });
  expect(answer.headers.get('retry-after')).toBe('5');
  expect(await code(answer)).toBe('503 ledger_unavailable');
});
