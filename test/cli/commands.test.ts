import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { control } from '../../cli/commands/control.ts';
import { listJobs } from '../../cli/commands/jobs.ts';
import { watch } from '../../cli/commands/watch.ts';
import { EXIT } from '../../cli/errors.ts';
import { listenForInterrupts } from '../../cli/job/interrupts.ts';
import { jobLine, jobsTable } from '../../cli/render/jobs.ts';
import { plainStyle } from '../../cli/render/style.ts';
import { noActions } from '../../domain/action.ts';
import { noCounters, noOutcomes } from '../../domain/outcome.ts';
import { openLedger } from '../../ledger/ledger.ts';
import { type FakeApi, fakeApi } from './fake-api.ts';
import { type FakeStacks, fakeStack, fakeStacks } from './fake-stacks.ts';
import { capturing, endedJob, runningJob } from './samples.ts';

let api: FakeApi;
let stacks: FakeStacks;
let home: string;
let signals: EventEmitter;
beforeEach(async () => {
  api = await fakeApi();
  stacks = fakeStacks(api.origin);
  stacks.up = fakeStack(api.origin);
  home = await mkdtemp(join(tmpdir(), 'dsx-commands-test-'));
  signals = new EventEmitter();
});
afterEach(async () => {
  await api.close();
  await rm(home, { recursive: true, force: true });
});

function here() {
  const captured = capturing();
  const interrupts = listenForInterrupts(signals);
  return { ...captured, stacks, env: { DSX_HOME: home }, cwd: home, interrupts };
}

/** A ledger with one job that ended and one that did not. */
async function writeLedger(): Promise<string> {
  const ledger = await openLedger(join(home, 'ledger'));
  const { settings, source, startedAt } = runningJob();
  const header = { format: 1, kind: 'full', source, settings, actor: 'cli', startedAt } as const;
  await ledger.job('f-old').writeHeader({ ...header, job: 'f-old', startedAt: '2026-11-22T09:00:00.000Z' });
  const job = ledger.job('f-new');
  const { hash: previous } = await job.writeHeader({ ...header, job: 'f-new' });
  const account = {
    state: 'completed',
    listed: 0,
    listedBytes: 0,
    listingDone: true,
    outside: 0,
    counters: noCounters(),
    actions: noActions(),
    gaps: [],
    endedAt: '2026-11-23T10:00:02.000Z',
  } as const;
  const links = { indexes: [], pages: [], actions: [], counters: noCounters() };
  const { hash } = await job.writeCommit({ format: 1, job: 'f-new', number: 1, previous, ...links, account });
  await ledger.close();
  return hash;
}

describe('dsx watch', () => {
  it('attaches to a running job again and again; Ctrl-C leaves it running', async () => {
    const first = here();
    const left = watch('f-1', {}, first);
    await api.streamOpened(1);
    signals.emit('SIGINT');
    expect(await left).toBe(EXIT.failed);
    expect(api.controls).toEqual([]);
    first.interrupts.close();

    const again = here();
    const end = watch('f-1', { json: true }, again);
    await api.streamOpened(2);
    api.end();
    expect(await end).toBe(EXIT.ok);
    expect(JSON.parse(again.out().trim().split('\n').at(-1) ?? '')).toMatchObject({ type: 'summary', job: 'f-1' });
  });
  it('tells the account of an ended job, with the stack and without', async () => {
    api.job = endedJob();
    const up = here();
    expect(await watch('f-1', {}, up)).toBe(EXIT.ok);
    expect(up.out()).toMatch(/^complete\n/);
    const root = await writeLedger();
    stacks.up = undefined;
    const down = here();
    expect(await watch('f-new', { json: true }, down)).toBe(EXIT.ok);
    expect(JSON.parse(down.out())).toMatchObject({ type: 'summary', job: 'f-new', seconds: 2, root });
    await expect(watch('f-old', {}, here())).rejects.toMatchObject({ code: 'no_stack', exit: EXIT.failed });
    await expect(watch('../x', {}, here())).rejects.toMatchObject({ code: 'no_such_job', exit: EXIT.usage });
  });
});

describe('dsx jobs', () => {
  it('lists the jobs of the running stack', async () => {
    api.others = [runningJob({ job: 'f-2', state: 'paused', idle: { why: 'paused', by: 'alice' } })];
    const text = here();
    await listJobs({ limit: 20 }, text);
    expect(text.out()).toContain('paused by alice');
    const json = here();
    await listJobs({ limit: 1, json: true }, json);
    expect(
      json
        .out()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).job),
    ).toEqual(['f-1']);
  });
  it('reads the ledger when no stack is up', async () => {
    stacks.up = undefined;
    const nothing = here();
    await listJobs({ limit: 20 }, nothing);
    expect(nothing.out()).toContain('no jobs yet');
    await writeLedger();
    const captured = here();
    await listJobs({ limit: 20, json: true }, captured);
    const jobs = captured
      .out()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(jobs.map(({ job, state }) => [job, state])).toEqual([
      ['f-new', 'completed'],
      ['f-old', 'unfinished'],
    ]);
    expect(captured.err()).toContain('no stack is up');
  });
  it('fits a narrow terminal, and marks what a stand-in judged', () => {
    const counters = { outcomes: { ...noOutcomes(), clean: 2, malicious: 1 }, bytes: 1, standIn: 3 };
    const job = { job: 'f-1', state: 'completed', listed: 3, source: runningJob().source } as const;
    const times = { startedAt: '2026-11-23T10:00:00.000Z', endedAt: '2026-11-23T10:00:02.000Z' };
    expect(jobsTable([jobLine({ ...job, ...times }, counters)], plainStyle(60))).toBe(
      `JOB  STATE      STARTED            TOOK  LISTED  SCANNED  FINDINGS
f-1  completed  2026-11-23 10:00Z   2 s       3        3       1 *
  /srv/share

* judged by a stand-in: no proof of anything`,
    );
  });
});

describe('dsx pause, resume and cancel', () => {
  it('tell the job and say what it does now', async () => {
    const { out, ...rest } = here();
    expect(await control('pause', 'f-1', { reason: 'backup' }, { out, ...rest } as never)).toBe(EXIT.ok);
    expect(api.controls).toEqual([{ verb: 'pause', reason: 'backup' }]);
    expect(out()).toBe('job f-1: running\n');
  });
  it('cancel waits for the account, and is content when the job is cancelled', async () => {
    const captured = here();
    expect(await control('cancel', 'f-1', {}, captured)).toBe(EXIT.ok);
    expect(captured.out()).toMatch(/^cancelled\n/);
  });
  it('say what is wrong', async () => {
    await expect(control('pause', 'f-9', {}, here())).rejects.toMatchObject({ code: 'no_such_job', exit: EXIT.usage });
    api.job = endedJob();
    await expect(control('resume', 'f-1', {}, here())).rejects.toMatchObject({ code: 'job_ended', exit: EXIT.usage });
    stacks.up = undefined;
    await expect(control('pause', 'f-1', {}, here())).rejects.toMatchObject({ code: 'no_stack', exit: EXIT.failed });
  });
});

describe('a reader that goes away', () => {
  it('ends the output and nothing else', async () => {
    const script = `
      import { createOutput } from './cli/render/output.ts';
      process.stdout.on('error', () => process.exit(9));
      const output = createOutput();
      const timer = setInterval(() => {
        output.out('x'.repeat(100_000));
        if (!output.closed()) return;
        clearInterval(timer);
        output.err('still here');
      }, 1);`;
    const root = join(import.meta.dirname, '../..');
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], { cwd: root });
    child.stdout.once('data', () => child.stdout.destroy());
    let err = '';
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    const [code] = await once(child, 'close');
    expect([code, err]).toEqual([0, 'still here\n']);
  });
});
