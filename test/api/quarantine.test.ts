import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startJobAnswer } from '../../api/answer-schemas.ts';
import { allowAnswer, allowedList, quarantineList } from '../../api/quarantine-schemas.ts';
import type { ActionRow } from '../../domain/action.ts';
import type { JobHeader } from '../../ledger/types.ts';
import { movedRow, writeActed } from '../ledger/acted-fixture.ts';
import { type Api, json, startApi } from './fixture.ts';

const AT = '2026-11-23T09:00:00.000Z';
const HASH = 'ab'.repeat(32);
const share = { source: { kind: 'connector', id: 'share' } } as const;
const settings = { filter: '*.doc', action: 'move', quarantine: '/srv/q', dryRun: false, scanner: 'dsxa' } as const;

let api: Api;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.stop());

async function acted(job: string, rows: readonly ActionRow[], changes: Partial<JobHeader> = {}): Promise<void> {
  const braked = { ...settings, maxActions: 3, maxActionsWindow: 60 };
  await writeActed(await api.ledger.open(), job, AT, rows, { settings: braked, ...share, ...changes });
}
async function problem(path: string, body: object): Promise<string> {
  const answer = await api.ask(path, json(body));
  const { code, status } = (await answer.json()) as { code: string; status: number };
  expect(answer.status).toBe(status);
  return `${status} ${code}`;
}
const requestOf = (job: string) => api.control.running.get(`restore:${job}`)?.request;

describe('GET /quarantine', () => {
  test('tells what was moved in pages, without what its connector alone understands', async () => {
    const odd = { location: 'a\u202e', locationBytes: 'Yf8=', threat: 'Virus', destination: '/srv/q/1' };
    await acted('job-1', [movedRow('job-1', 0, AT, odd), movedRow('job-1', 1, AT), movedRow('job-1', 2, AT)]);
    const client = api.client();
    const page = quarantineList.parse(await client.quarantine({ limit: 2 }));
    expect(page.items[0]).toEqual({
      source: share.source,
      job: 'job-1',
      finding: 'job-1/0-0:0',
      item: '0-0:0',
      action: 'move',
      version: 'v0',
      sha256: 'a'.repeat(64),
      by: 'action move',
      at: AT,
      restorable: true,
      ...odd,
    });
    const next = await client.quarantine({ limit: 2, after: page.next as string });
    expect(next.items.map(({ item }) => item)).toEqual(['0-0:2']);
    expect(next.next).toBeUndefined();
    expect(await client.quarantine({ source: 'plant-2' })).toEqual({ items: [] });
    const answer = await api.ask('/quarantine?after=x');
    expect(answer.status).toBe(400);
  });
});

describe('POST /jobs/:job/restore', () => {
  test('starts a job of its own, with the settings of the job and no brake; the job may still run', async () => {
    await acted('job-1', [movedRow('job-1', 0, AT)]);
    const answer = await api.ask('/jobs/job-1/restore', { method: 'POST' });
    expect(answer.status).toBe(201);
    const { job, joined } = startJobAnswer.parse(await answer.json());
    expect(joined).toBe(false);
    expect(requestOf(job)).toEqual({
      job,
      kind: 'apply',
      ...share,
      settings,
      actor: 'local',
      order: { why: 'restore', job: 'job-1', by: 'local', at: expect.any(String) },
    });
    const shown = await api.client().job(job);
    expect(shown).toMatchObject({ kind: 'apply', order: { why: 'restore', job: 'job-1' } });
  });

  test('takes findings and a reason, and refuses findings that can not be put back', async () => {
    const tagged: Partial<ActionRow> = { action: 'tag' };
    const { undo: _, ...gone } = movedRow('job-1', 3, AT, tagged);
    await acted('job-1', [movedRow('job-1', 0, AT), movedRow('job-1', 1, AT), gone]);
    const body = { findings: ['job-1/0-0:1', '0-0:0', '0-0:1'], reason: 'false alarm' };
    const { job } = await api.client().restore('job-1', body);
    expect(requestOf(job)).toMatchObject({
      items: ['0-0:0', '0-0:1'],
      order: { reason: 'false alarm', findings: 2 },
    });
    for (const finding of ['0-0:3', '0-0:9']) {
      expect(await problem('/jobs/job-1/restore', { findings: ['0-0:0', finding] })).toBe('400 request_invalid');
    }
    expect(await problem('/jobs/job-1/restore', { findings: [] })).toBe('400 request_invalid');
  });

  test('is refused when nothing is left to put back, or nothing ever was', async () => {
    await acted('job-1', [movedRow('job-1', 0, AT)]);
    await acted('job-2', []);
    const ledger = await api.ledger.open();
    await ledger.noteRestore('job-1', 'back');
    const row = movedRow('job-1', 0, '2026-11-23T10:00:00.000Z', { action: 'restore' });
    const order = { why: 'restore', job: 'job-1', by: 'ann', at: AT } as const;
    await acted('back', [row], { kind: 'apply', order });
    for (const job of ['job-1', 'job-2', 'back']) {
      expect(await problem(`/jobs/${job}/restore`, {})).toBe('409 nothing_to_restore');
    }
    expect(await problem('/jobs/nowhere/restore', {})).toBe('404 job_not_found');
  });

  test('of a connector that is no longer configured is refused', async () => {
    await acted('job-1', [movedRow('job-1', 0, AT)], { source: { kind: 'connector', id: 'gone' } });
    expect(await problem('/jobs/job-1/restore', {})).toBe('404 connector_not_found');
  });

  test('takes an idempotency key, which is another one than that of an apply', async () => {
    await acted('job-1', [movedRow('job-1', 0, AT)]);
    const client = api.client();
    const first = await client.restore('job-1', {}, { idempotencyKey: 'k1' });
    expect(await client.restore('job-1', {}, { idempotencyKey: 'k1' })).toMatchObject({
      job: first.job,
      repeated: true,
    });
    await expect(client.restore('job-1', { reason: 'x' }, { idempotencyKey: 'k1' })).rejects.toMatchObject({
      code: 'idempotency_mismatch',
    });
    const ledger = await api.ledger.open();
    const { bodyHash } = requestOf(first.job) ?? {};
    const header = await ledger.job('job-1').header();
    if (header === undefined || bodyHash === undefined) throw new TypeError('not keyed');
    await ledger.job(first.job).writeHeader({ ...header, job: first.job, kind: 'apply', bodyHash });
    await expect(client.apply('job-1', {}, { idempotencyKey: 'k1' })).rejects.toMatchObject({
      code: 'idempotency_mismatch',
    });
  });
});

describe('/allowed', () => {
  test('takes a hash with a reason, tells who decided, and takes it back', async () => {
    const client = api.client();
    expect(await client.allowed()).toEqual({ entries: [] });
    const answer = await api.ask('/allowed', json({ sha256: HASH, reason: 'ours' }));
    expect(answer.status).toBe(201);
    const entry = allowAnswer.parse(await answer.json());
    expect(entry).toMatchObject({ sha256: HASH, allowed: true, by: 'local', reason: 'ours' });
    expect(allowedList.parse(await client.allowed({ limit: 1 }))).toEqual({ entries: [entry] });
    const revoked = await client.allow({ sha256: HASH, reason: 'not ours', revoke: true });
    expect(await client.allowed()).toEqual({ entries: [revoked] });
    expect(await problem('/allowed', { sha256: HASH, reason: 'again', revoke: true })).toBe('409 not_allowed');
  });

  test.each([
    ['no reason', { sha256: HASH }],
    ['an empty reason', { sha256: HASH, reason: '' }],
    ['a name instead of a hash', { sha256: 'report.docx', reason: 'x' }],
    ['a hash in capitals', { sha256: HASH.toUpperCase(), reason: 'x' }],
    ['a location', { sha256: HASH, reason: 'x', location: 'a' }],
  ])('refuses %s', async (_, body) => {
    expect(await problem('/allowed', body)).toBe('400 request_invalid');
  });
});
