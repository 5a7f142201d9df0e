import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SourceApprovals } from '../../api/contract.ts';
import type { ActionIntent } from '../../domain/action.ts';
import type { ScanSettings } from '../../domain/job.ts';
import { Gate } from '../../workflows/action-gate/gate.ts';
import { buildJob, WRITER } from '../ledger/fixture.ts';
import { type Api, json, startApi } from './fixture.ts';

const source = { kind: 'connector', id: 'share' } as const;
const settings: ScanSettings = { filter: '', action: 'move', dryRun: false, scanner: 'dsxa', maxActions: 0 };
const AT = '2026-11-23T08:46:00.000Z';

function intentsOf(job: string, count: number): ActionIntent[] {
  return Array.from({ length: count }, (_, i) => ({
    finding: `${job}/0-0:${i}`,
    item: { location: `folder/\u202ebad-${i}\n.com` },
    judged: { version: `v${i}`, size: 68 },
    action: 'move',
    destination: `${job}/0-0-${i}.quarantined`,
    provenance: {
      job,
      connector: 'share',
      verdict: 'Malicious',
      threatType: 'Virus',
      sha256: 'a'.repeat(64),
      standIn: false,
      judgedAt: AT,
    },
  }));
}

let api: Api;
let gate: Gate;
beforeEach(async () => {
  api = await startApi();
  gate = Gate.begin(source);
});
afterEach(() => api.stop());

/** So many findings of a job wait at the source. */
async function hold(job: string, count: number): Promise<void> {
  const ledger = (await api.ledger.open()).job(job);
  const intents = await ledger.writeIntents('0-0', intentsOf(job, count), WRITER);
  gate.ask({ source, job, settings, intents, from: 0, to: count }, Date.parse(AT));
  api.control.held.set(source.id, gate);
}
async function problem(path: string, body: object): Promise<string> {
  const answer = await api.ask(path, json(body));
  const { code, status } = (await answer.json()) as { code: string; status: number };
  expect(answer.status).toBe(status);
  return `${status} ${code}`;
}

describe('what waits', () => {
  it('is listed by sequence, with what a decision needs, in pages', async () => {
    await hold('job-1', 7);
    await hold('job-2', 3);
    const client = api.client();
    expect(await client.approvals()).toEqual({ sources: [{ source, waiting: 10, since: AT }] });
    const all = await client.waiting('share');
    expect(all).toMatchObject({ waiting: 10, through: 10, decided: [] });
    expect(all.next).toBeUndefined();
    expect(all.findings[8]).toEqual({
      sequence: 9,
      job: 'job-2',
      finding: 'job-2/0-0:1',
      location: 'folder/\u202ebad-1\n.com',
      action: 'move',
      destination: 'job-2/0-0-1.quarantined',
      version: 'v1',
      size: 68,
      sha256: 'a'.repeat(64),
      verdict: 'Malicious',
      threat: 'Virus',
      standIn: false,
      judgedAt: AT,
      since: AT,
    });
    const seen: number[] = [];
    let page: SourceApprovals = await client.waiting('share', { limit: 4 });
    const first = page;
    for (;;) {
      seen.push(...page.findings.map(({ sequence }) => sequence));
      if (page.next === undefined) break;
      page = await client.waiting('share', { limit: 4, after: page.next });
    }
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(page.list).toBe(all.list);
    expect(first).toMatchObject({ through: 4, next: 4 });
    expect(first.list).not.toBe(all.list);
  });

  it('is nothing at a connector that held nothing; an unknown source is told', async () => {
    expect(await api.client().approvals()).toEqual({ sources: [] });
    expect(await api.client().waiting('share')).toMatchObject({ waiting: 0, findings: [], decided: [] });
    for (const id of ['nobody', 'UPPER', `${'x'.repeat(2000)}`, '%00']) {
      const answer = await api.ask(`/approvals/${id}`);
      expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([404, 'source_not_found']);
    }
  });

  it('a ledger that lost its findings is told as such', async () => {
    await hold('job-1', 2);
    const intents = { name: 'intents/gone.x.y.1.0.ndjson.zst', hash: '0'.repeat(64) };
    gate.ask({ source, job: 'job-1', settings, intents, from: 0, to: 2 }, Date.parse(AT));
    const answer = await api.ask('/approvals/share');
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ code: 'ledger_unavailable', reason: 'not_found' });
  });
});

describe('a decision', () => {
  it('is taken by who asks, is shown afterwards, and its job is known at once', async () => {
    await hold('job-1', 7);
    const client = api.client();
    const { through = 0, list = '' } = await client.waiting('share');
    const decided = await client.decide('share', 'approve', { through, list, only: '1, 5-7', reason: 'seen' });
    expect(decided).toMatchObject({
      source: 'share',
      verdict: 'approve',
      by: 'local',
      count: 4,
      waiting: 3,
      reason: 'seen',
    });
    expect(decided.findings).toEqual([
      [1, 1],
      [5, 7],
    ]);
    const job = decided.jobs[0]?.job ?? '';
    expect(await client.job(job)).toMatchObject({
      kind: 'apply',
      from: 'temporal',
      order: { job: 'job-1', by: 'local' },
    });
    await client.pause(job);
    expect(api.control.steered).toEqual(['pause by local']);
    expect((await client.waiting('share')).decided).toMatchObject([
      { by: 'local', count: 4, jobs: [{ job, of: 'job-1' }] },
    ]);
    expect(await client.approvals()).toMatchObject({ sources: [{ waiting: 3, decided: decided.at }] });
  });

  it('about another list, about what does not wait, or that is malformed, is refused and changes nothing', async () => {
    expect(await problem('/approvals/share/approve', { through: 1, list: '0'.repeat(16) })).toBe('409 not_waiting');
    expect(await problem('/approvals/nobody/reject', { through: 1, list: '0'.repeat(16) })).toBe(
      '404 source_not_found',
    );
    await hold('job-1', 3);
    const { list = '' } = await api.client().waiting('share');
    expect(await problem('/approvals/share/approve', { through: 3, list: '0'.repeat(16) })).toBe('409 list_changed');
    expect(await problem('/approvals/share/approve', { through: 2, list })).toBe('409 list_changed');
    expect(await problem('/approvals/share/approve', { through: 3, list, only: '4' })).toBe('409 not_waiting');
    for (const body of [
      {},
      { through: 0, list },
      { through: 3, list: 'x' },
      { through: 3, list, only: '' },
      { through: 3, list, only: '3-1' },
      { through: 3, list, who: 'me' },
    ]) {
      expect(await problem('/approvals/share/reject', body)).toBe('400 request_invalid');
    }
    expect(api.control.decided).toEqual([]);
    expect(gate.view().decided).toEqual([]);
  });
});

describe('applying a plan', () => {
  const plan = async (job: string, dryRun = true, final = true) =>
    buildJob((await api.ledger.open()).job(job), {
      pages: [['clean', 'malicious', 'malicious']],
      settings: { action: 'move', dryRun, quarantine: '/srv/q', maxActions: 5, maxActionsWindow: 60 },
      final,
    });

  it('starts a job with the settings of the plan, and joins one that does the same', async () => {
    await plan('job-1');
    const client = api.client();
    const { job, joined } = await client.apply('job-1');
    expect(joined).toBe(false);
    const { request } = api.control.running.get('apply:job-1') ?? {};
    expect(request).toMatchObject({
      job,
      kind: 'apply',
      source: { id: 'folder-1' },
      settings: { action: 'move', dryRun: false, quarantine: '/srv/q', maxActions: 5, maxActionsWindow: 60 },
      order: { why: 'planned', job: 'job-1', by: 'local' },
    });
    expect(await client.apply('job-1')).toMatchObject({ job, joined: true });
    await expect(client.apply('job-1', { dryRun: true })).rejects.toMatchObject({ code: 'scan_running' });
    await expect(client.apply('job-1', { maxActions: 1 })).rejects.toMatchObject({ code: 'scan_running' });
  });

  it('takes only findings that were planned', async () => {
    await plan('job-1');
    await api.client().apply('job-1', { findings: ['job-1/0-0:2', '0-0:2'] });
    expect(api.control.running.get('apply:job-1')?.request.items).toEqual(['0-0:2']);
    for (const findings of [['0-0:0'], ['0-9:1'], ['x'], []]) {
      expect(await problem('/jobs/job-1/apply', { findings })).toBe('400 request_invalid');
    }
  });

  it('is refused for a job that is not there, has not ended, or planned nothing, and for a window without a maximum', async () => {
    expect(await problem('/jobs/job-none/apply', {})).toBe('404 job_not_found');
    await plan('job-open', true, false);
    expect(await problem('/jobs/job-open/apply', {})).toBe('409 job_running');
    await plan('job-real', false);
    expect(await problem('/jobs/job-real/apply', {})).toBe('409 nothing_planned');
    expect(await problem('/jobs', { folder: '/x', maxActionsWindow: 5 })).toBe('400 request_invalid');
    expect(await problem('/jobs', { folder: '/x', maxActions: -1 })).toBe('400 request_invalid');
  });

  it('of a folder is refused where folder scans are off', async () => {
    const closed = await startApi({ settings: { folderScans: false } });
    try {
      await buildJob((await closed.ledger.open()).job('job-1'), {
        pages: [['malicious']],
        settings: { action: 'move', dryRun: true },
      });
      await expect(closed.client().apply('job-1')).rejects.toMatchObject({ code: 'folder_scans_off' });
    } finally {
      await closed.stop();
    }
  });
});

it("a scan's brake is the connector's unless the request names one; the window is a day unless it is named", async () => {
  await api.client().startJob({ connector: 'share', maxActions: 3 });
  expect(api.control.running.get('full-scan:share')?.request.settings).toMatchObject({
    maxActions: 3,
    maxActionsWindow: 86_400,
  });
  await api.client().startJob({ connector: 'plant-2' });
  expect(api.control.running.get('full-scan:plant-2')?.request.settings).not.toHaveProperty('maxActions');
});
