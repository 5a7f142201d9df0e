import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AuditList, NewKeyAnswer } from '../../api/contract.ts';
import { ControlError } from '../../api/control.ts';
import { createAuditLog } from '../../ledger/audit-log.ts';
import { openStore } from '../../ledger/open-store.ts';
import { type Api, json, startApi } from './fixture.ts';

const BOOTSTRAP = 'canary-key-0123456789abcdef';
const ADMIN = { authorization: `Bearer ${BOOTSTRAP}` };
let api: Api;
beforeEach(async () => {
  api = await startApi({ settings: { key: BOOTSTRAP } });
});
afterEach(() => api.stop());

async function audit(query = ''): Promise<AuditList> {
  return (await (await api.ask(`/audit${query}`, { headers: ADMIN })).json()) as AuditList;
}

test('every change is there with who made it, what he asked for and what came of it, newest first', async () => {
  const made = await api.ask('/keys', json({ name: 'ops', role: 'operator' }, ADMIN));
  const { key, id } = (await made.json()) as NewKeyAnswer;
  const ops = { authorization: `Bearer ${key}` };
  const { job } = (await (await api.ask('/jobs', json({ connector: 'share' }, ops))).json()) as { job: string };
  await api.ask(`/jobs/${job}/cancel`, json({ reason: 'enough' }, ops));
  await api.ask('/jobs/job-none/cancel', json({}, ops));
  await api.ask('/keys', json({ name: 'mine', role: 'admin' }, ops));
  await api.ask('/jobs', { headers: ops });

  const { entries } = await audit();
  expect(entries.map(({ action, status, actor }) => `${actor} ${action} ${status}`)).toEqual([
    'key:ops POST /keys 403',
    'key:ops POST /jobs/:job/cancel 404',
    'key:ops POST /jobs/:job/cancel 200',
    'key:ops POST /jobs 201',
    'api-key POST /keys 201',
  ]);
  expect(entries[3]).toMatchObject({ body: { connector: 'share' }, job, key: id, role: 'operator', from: '127.0.0.1' });
  expect(entries[2]).toMatchObject({ params: { job }, body: { reason: 'enough' }, job });
  expect(entries[1]?.code).toBe('job_not_found');
  expect(JSON.stringify(entries)).not.toContain(key.slice(21));
});

test('it is durable before the answer, in objects of the day', async () => {
  await api.ask('/allowed', json({ sha256: 'a'.repeat(64), reason: 'known' }, ADMIN));
  const day = new Date().toISOString().slice(0, 10);
  const folder = join(api.home, 'ledger/_audit', day);
  const [name = ''] = await readdir(folder);
  expect(JSON.parse(await readFile(join(folder, name), 'utf8'))).toMatchObject({
    format: 1,
    actor: 'api-key',
    action: 'POST /allowed',
    body: { sha256: 'a'.repeat(64), reason: 'known' },
    status: 201,
  });
});

test('what fails is there too, and a large body only by its hash', async () => {
  api.control.down = new ControlError('temporal_unreachable', 'gone');
  const items = Array.from({ length: 500 }, (_, at) => ({ location: `canary-folder/${at}` }));
  await api.ask('/scan', json({ connector: 'share', items }, ADMIN));
  const { entries } = await audit();
  expect(entries[0]).toMatchObject({ status: 503, code: 'temporal_unreachable', body: { sha256: expect.any(String) } });
  expect(JSON.stringify(entries)).not.toContain('canary-folder');
});

test('no secret that a client sends along is kept, also where nobody asked for it, and the rest is', async () => {
  const secrets = {
    ...{ sp_client_secret: 'canary-1', accountKey: 'canary-2', 'API-TOKEN': 'canary-3', scanPassword: 'canary-4' },
    requested_action: { details: [{ sasUrl: 'canary-5', hmac_secret: { value: 'canary-6' } }] },
    webhook_base_url: 'https://me:canary-7@hooks.example.com/x',
  };
  const kept = { asset: 'box', secretAccessKey: `\${S3_SECRET}`, sas_token: '', sp_webhook_enabled: true };
  const answer = await api.ask('/connectors/config/share', {
    ...json({ ...secrets, ...kept, filler: 'canary-less' }, ADMIN),
    method: 'PUT',
  });
  expect(answer.status).toBe(501);
  expect(await answer.text()).not.toMatch(/canary-\d/);
  // Also where only the hash of a large body is kept, it is that of the body without them.
  const large = { ...secrets, note: 'x'.repeat(3_000) };
  await api.ask('/connectors/config/share', { ...json(large, ADMIN), method: 'PUT' });
  await api.ask('/connectors/config/share', {
    ...json({ ...large, sp_client_secret: 'another' }, ADMIN),
    method: 'PUT',
  });
  const { entries } = await audit();
  expect(entries[2]?.body).toMatchObject({
    ...kept,
    sp_client_secret: '[redacted]',
    requested_action: { details: [{ sasUrl: '[redacted]', hmac_secret: '[redacted]' }] },
    webhook_base_url: 'https://[redacted]@hooks.example.com/x',
    filler: 'canary-less',
  });
  expect(JSON.stringify(entries) + api.logged.join('')).not.toMatch(/canary-\d/);
  expect(entries[0]?.body).toEqual(entries[1]?.body);
});

test('pages go through all of it, also of one caller alone', async () => {
  for (let at = 0; at < 7; at++) await api.ask(`/jobs/job-${at}/pause`, json({}, ADMIN));
  const seen: string[] = [];
  let query = '?limit=3';
  for (;;) {
    const { entries, next } = await audit(query);
    expect(entries.length).toBeLessThanOrEqual(3);
    seen.push(...entries.map(({ params }) => String(params?.job)));
    if (next === undefined) break;
    query = `?limit=3&after=${encodeURIComponent(next)}`;
  }
  expect(seen).toEqual([6, 5, 4, 3, 2, 1, 0].map((at) => `job-${at}`));
  expect((await audit('?actor=key:nobody')).entries).toEqual([]);
  expect((await api.ask('/audit?after=x', { headers: ADMIN })).status).toBe(400);
});

test('a ledger that can not be written takes back no action, and the entry is in the log of the process', async () => {
  const started = await api.ask('/jobs', json({ connector: 'share' }, ADMIN));
  const { job } = (await started.json()) as { job: string };
  const book = await api.ledger.open();
  const append = book.audit.append;
  Object.assign(book.audit, { append: async () => Promise.reject(new Error('no space')) });
  const answer = await api.ask(`/jobs/${job}/cancel`, json({}, ADMIN));
  expect(answer.status).toBe(200);
  expect(api.logged.find((line) => line.includes('audit') && line.includes('/jobs/:job/cancel'))).toBeDefined();
  Object.assign(book.audit, { append });
  await expect.poll(async () => (await audit()).entries[0]?.action, { timeout: 10_000 }).toBe('POST /jobs/:job/cancel');
}, 20_000);

test('batches over days come in order, and places in the middle of one are good', async () => {
  const store = await openStore(join(api.home, 'other'), true);
  const log = createAuditLog(store);
  const entry = (at: string) => ({ format: 1 as const, at, actor: 'a', role: 'admin', action: 'x', status: 200 });
  const times = ['2026-01-01T23:59:59.999Z', '2026-01-02T00:00:00.001Z', '2026-01-02T10:00:00.000Z'];
  await log.append(times.slice(0, 1).map(entry));
  await log.append(times.slice(1).map(entry));
  const first = await log.page({ limit: 1 });
  expect(first.entries.map(({ at }) => at)).toEqual(times.slice(2));
  const rest = await log.page({ limit: 5, after: first.next as string });
  expect(rest.entries.map(({ at }) => at)).toEqual([times[1], times[0]]);
  expect(rest.next).toBeUndefined();
  await store.close?.();
});
