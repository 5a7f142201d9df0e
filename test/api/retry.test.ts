import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { jobResource, startJobAnswer } from '../../api/answer-schemas.ts';
import type { Problem } from '../../api/contract.ts';
import { noCounters, type Outcome } from '../../domain/outcome.ts';
import { wholeAfter } from '../../domain/retry.ts';
import { linksOf, readChain } from '../../ledger/retry-chain.ts';
import { buildJob, headerOf } from '../ledger/fixture.ts';
import { buildRetry } from '../ledger/retry-fixture.ts';
import { type Api, idleScanner, json, startApi } from './fixture.ts';

let api: Api;
beforeEach(async () => {
  api = await startApi({ scanners: [idleScanner('dsxa'), idleScanner('other')] });
});
afterEach(() => api.stop());

const PAGES: readonly (readonly Outcome[])[] = [['clean', 'failed', 'unscannable'], ['failed']];

async function aJob(job: string, settings = {}): Promise<void> {
  const ledger = await api.ledger.open();
  await buildJob(ledger.job(job), { pages: PAGES, settings });
}

async function problem(job: string, body: unknown): Promise<Problem> {
  const answer = await api.ask(`/jobs/${job}/retry`, json(body));
  expect(answer.headers.get('content-type')).toContain('problem+json');
  return (await answer.json()) as Problem;
}

describe('POST /jobs/:job/retry', () => {
  test('starts a retry with the settings of the job, its filter aside; a body is not needed', async () => {
    await aJob('job-1', { action: 'move', quarantine: '/srv/q', maxSize: 9, filter: '*.doc' });
    const answer = await api.ask('/jobs/job-1/retry', { method: 'POST' });
    expect(answer.status).toBe(201);
    const { job, joined } = startJobAnswer.parse(await answer.json());
    expect(joined).toBe(false);
    expect(api.control.running.get('retry:job-1')?.request).toMatchObject({
      job,
      kind: 'retry',
      source: { kind: 'folder', path: '/data' },
      settings: { filter: '', action: 'move', quarantine: '/srv/q', dryRun: false, maxSize: 9, scanner: 'dsxa' },
      retry: { of: 'job-1', first: 'job-1', outcomes: ['failed'] },
    });
    expect(await api.client().retry('job-1')).toMatchObject({ job, joined: true });
    const shown = await api.client().job(job);
    expect(jobResource.parse(shown)).toMatchObject({ kind: 'retry', retry: { of: 'job-1' } });
  });

  test('what is given wins over what the job had, in one form', async () => {
    await aJob('job-1');
    const body = {
      outcomes: ['unscannable', 'failed', 'failed'],
      classes: ['permission_denied', 'encrypted_file'],
    } as const;
    const settings = { scanner: 'other', action: 'delete', dryRun: true } as const;
    await api.client().retry('job-1', { ...body, ...settings, prefix: 'folder' });
    expect(api.control.running.get('retry:job-1')?.request).toMatchObject({
      settings,
      retry: {
        outcomes: ['failed', 'unscannable'],
        classes: ['encrypted_file', 'permission_denied'],
        prefix: 'folder',
      },
    });
  });

  test('of a retry runs under the first job, so that the chain never forks', async () => {
    await aJob('job-1');
    const ledger = await api.ledger.open();
    const selection = { outcomes: ['failed'] as const };
    await buildRetry(ledger, { job: 'job-2', of: 'job-1', first: 'job-1', selection, outcomeOf: () => 'failed' });
    await api.client().retry('job-2');
    expect(api.control.running.get('retry:job-1')?.request.retry).toMatchObject({ of: 'job-2', first: 'job-1' });
    await expect(api.client().retry('job-1')).rejects.toMatchObject({ code: 'scan_running', status: 409 });
  });

  test.each([
    [{ outcomes: ['clean'] }, 'request_invalid'],
    [{ outcomes: [] }, 'request_invalid'],
    [{ classes: [] }, 'request_invalid'],
    [{ prefix: '' }, 'request_invalid'],
    [{ all: true, outcomes: ['failed'] }, 'request_invalid'],
    [{ filter: '*' }, 'request_invalid'],
    [{ scanner: 'nobody' }, 'scanner_unknown'],
    [{ scanner: 'standin' }, 'scanner_unknown'],
    [{ quarantine: 'relative' }, 'request_invalid'],
  ])('refuses %j', async (body, code) => {
    await aJob('job-1');
    expect(await problem('job-1', body)).toMatchObject({ code });
    expect(api.control.running.size).toBe(0);
  });

  test('refuses jobs that are not there, have not ended, or have nothing that is selected', async () => {
    expect(await problem('job-9', {})).toMatchObject({ code: 'job_not_found', status: 404 });
    const ledger = await api.ledger.open();
    await buildJob(ledger.job('job-2'), { pages: [['failed']], final: false });
    expect(await problem('job-2', {})).toMatchObject({ code: 'job_not_ended', status: 409, job: 'job-2' });
    await buildJob(ledger.job('job-3'), { pages: [['clean']] });
    expect(await problem('job-3', {})).toMatchObject({ code: 'nothing_to_retry', left: [] });
    await aJob('job-1');
    const left = [
      { class: 'failed', count: 2 },
      { class: 'unscannable', count: 1 },
    ];
    expect(await problem('job-1', { prefix: 'elsewhere' })).toMatchObject({ code: 'nothing_to_retry', left });
    expect(await problem('job-1', { outcomes: ['inconclusive'] })).toMatchObject({
      left,
      detail: expect.stringContaining('3 have other outcomes'),
    });
    expect(api.control.running.size).toBe(0);
  });

  test('refuses the retry after the hundredth', async () => {
    await aJob('job-1');
    const ledger = await api.ledger.open();
    const first = await readChain(ledger, 'job-1');
    if (first === undefined) throw new Error('no chain');
    const chain = linksOf(first);
    let { whole } = first;
    for (let n = 1; n <= 100; n++) {
      const job = `job-1-${String(n).padStart(3, '0')}`;
      const target = { of: 'job-1', first: 'job-1', outcomes: ['failed'] as const };
      const header = { ...headerOf(job), kind: 'retry' as const, retry: { ...target, chain: [...chain] } };
      const nothing = { added: 0, counters: noCounters(), replaced: noCounters(), gaps: [] };
      whole = wholeAfter(whole, { job, ...nothing });
      const account = { ...first.first.account, listed: 0, counters: noCounters() };
      await ledger.noteRetry('job-1', job);
      const previous = (await ledger.job(job).writeHeader(header)).hash;
      const body = { format: 1, job, number: 1, previous, indexes: [], pages: [], actions: [] } as const;
      const commit = { ...body, counters: noCounters(), account: { ...account, gaps: [], whole } };
      chain.push({ job, root: (await ledger.job(job).writeCommit(commit)).hash });
    }
    expect(await problem('job-1', {})).toMatchObject({ code: 'too_many_retries', limit: 100 });
  });

  test('a folder scan is retried only where folder scans are on', async () => {
    await api.stop();
    api = await startApi({ settings: { folderScans: false } });
    await aJob('job-1');
    expect(await problem('job-1', {})).toMatchObject({ code: 'folder_scans_off' });
  });
});
