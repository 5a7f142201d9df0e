import { EventEmitter } from 'node:events';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ScanOptions, scan } from '../../cli/commands/scan.ts';
import { CliError, EXIT } from '../../cli/errors.ts';
import { pointAt } from '../../cli/job/filter-text.ts';
import { listenForInterrupts } from '../../cli/job/interrupts.ts';
import { chooseScanner } from '../../cli/job/scanner-choice.ts';
import { resolveQuarantine, resolveTarget } from '../../cli/job/target.ts';
import { type FakeApi, fakeApi, problem } from './fake-api.ts';
import { type FakeStacks, fakeStack, fakeStacks } from './fake-stacks.ts';
import { capturing, endedJob, runningJob } from './samples.ts';

let api: FakeApi;
let stacks: FakeStacks;
let base: string;
let folder: string;
let signals: EventEmitter;
beforeEach(async () => {
  api = await fakeApi();
  stacks = fakeStacks(api.origin);
  base = await realpath(await mkdtemp(join(tmpdir(), 'dsx-scan-test-')));
  folder = join(base, 'data');
  await mkdir(folder);
  signals = new EventEmitter();
});
afterEach(async () => {
  await api.close();
  await rm(base, { recursive: true, force: true });
});

function run(target: string, options: ScanOptions = {}, env: Record<string, string> = {}) {
  const captured = capturing();
  const surroundings = {
    stacks,
    env: { DSX_HOME: join(base, 'home'), ...env },
    cwd: base,
    output: captured.output,
    interrupts: listenForInterrupts(signals),
  };
  return { exit: scan(target, options, surroundings), ...captured };
}
/** Ends the job as soon as it is followed. */
function endWhenFollowed(): void {
  void api.streamOpened(1).then(() => api.end());
}
const STANDIN = { scanner: 'standin' } as const;

describe('what is scanned', () => {
  it('is a folder by its real path when it exists, has a slash, or is a dot', async () => {
    await symlink(folder, join(base, 'link'));
    await writeFile(join(base, 'file.txt'), 'x');
    expect(await resolveTarget('link', base)).toEqual({ kind: 'folder', path: folder });
    expect(await resolveTarget('./data/', base)).toEqual({ kind: 'folder', path: folder });
    expect(await resolveTarget('.', folder)).toEqual({ kind: 'folder', path: folder });
    expect(await resolveTarget('file.txt', base)).toEqual({ kind: 'folder', path: join(base, 'file.txt') });
    expect(await resolveTarget('finance-share', base)).toEqual({ kind: 'connector', id: 'finance-share' });
  });
  it('is refused by its path when it is missing or no folder', async () => {
    await expect(resolveTarget('./no such', base)).rejects.toMatchObject({
      exit: EXIT.usage,
      message: expect.stringContaining(join(base, 'no such')),
    });
    await expect(resolveTarget('/dev/null', base)).rejects.toMatchObject({ code: 'not_a_folder' });
    await expect(resolveTarget('', base)).rejects.toMatchObject({ exit: EXIT.usage });
    await expect(resolveTarget('data/x\u0000y', base)).rejects.toMatchObject({ exit: EXIT.usage });
  });
  it('never is all of its own quarantine', async () => {
    const target = { kind: 'folder', path: folder } as const;
    expect(await resolveQuarantine('data/inside/deep', target, base)).toBe(join(folder, 'inside/deep'));
    expect(await resolveQuarantine('data2', target, base)).toBe(join(base, 'data2'));
    await symlink(base, join(base, 'loop'));
    for (const bad of ['data', './data/', '.', '/', 'loop/data', '']) {
      await expect(resolveQuarantine(bad, target, base), bad).rejects.toMatchObject({
        code: 'bad_quarantine',
        exit: EXIT.usage,
      });
    }
    await writeFile(join(base, 'plain'), '');
    await expect(resolveQuarantine('plain', target, base)).rejects.toMatchObject({ code: 'bad_quarantine' });
    expect(await resolveQuarantine('a/b', { kind: 'connector', id: 'c' }, base)).toBe('a/b');
  });
});

describe('the scanner', () => {
  const choice = { asked: undefined, appEnv: 'dev', configured: [], running: undefined } as const;
  it('judges only when it was named', () => {
    expect(() => chooseScanner(choice)).toThrow(/DSXA_SCANNER_URL.*dsx-connect\.yaml.*--scanner standin/);
    expect(() => chooseScanner({ ...choice, running: ['standin'] })).toThrow(/no scanner is named/);
    expect(chooseScanner({ ...choice, configured: ['dsxa'] })).toBe('dsxa');
    expect(chooseScanner({ ...choice, running: ['dsxa', 'standin'] })).toBe('dsxa');
    expect(chooseScanner({ ...choice, configured: ['dsxa'], asked: 'standin' })).toBe('standin');
    expect(() => chooseScanner({ ...choice, asked: 'clam' })).toThrow(/no scanner clam; known here: standin/);
    expect(() => chooseScanner({ ...choice, asked: 'standin', running: ['dsxa'] })).toThrow(/without a stand-in/);
  });
  it('is no stand-in in stag and prod', () => {
    for (const appEnv of ['stag', 'prod'] as const) {
      expect(() => chooseScanner({ ...choice, appEnv, asked: 'standin' })).toThrow(/proves nothing/);
    }
  });
  it('is looked for before anything is started', async () => {
    await expect(run('data').exit).rejects.toMatchObject({ code: 'no_scanner', exit: EXIT.usage });
    await expect(run('data', STANDIN, { APP_ENV: 'prod' }).exit).rejects.toMatchObject({
      code: 'standin_refused',
      exit: EXIT.usage,
    });
    await expect(run('data', {}, { DSXA_SCANNER_URL: 'nonsense' }).exit).rejects.toMatchObject({ exit: EXIT.usage });
    expect(stacks.started).toEqual([]);
  });
});

describe('the scanner, asked before the scan', () => {
  it('ends it when the settings are wrong', async () => {
    api.job = endedJob();
    for (const code of ['scanner_auth', 'scanner_config']) {
      api.scanner = { ok: false, code, detail: 'the token is refused.' };
      await expect(run('data', STANDIN).exit).rejects.toMatchObject({ code, exit: EXIT.usage });
    }
    expect(api.starts).toEqual([]);
    expect(stacks.stopped).toHaveLength(2);
  });
  it('is waited for when it is only away', async () => {
    api.scanner = { ok: false, code: 'scanner_unreachable', detail: 'nobody answers.' };
    endWhenFollowed();
    const { exit, err } = run('data', STANDIN);
    expect(await exit).toBe(EXIT.ok);
    expect(err()).toContain('the scan waits for it: nobody answers.');
  });
});

describe('the filter', () => {
  it('that does not parse is shown with a caret under the place', async () => {
    const error = await run('data', { ...STANDIN, filter: 'a "b' }).exit.catch((e: unknown) => e);
    expect(error).toMatchObject({ exit: EXIT.usage });
    expect(String(error)).toMatch(/\n {2}a "b\n {4}\^$/);
    expect(stacks.started).toEqual([]);
  });
  it('is pointed at in its line, also behind wide and hidden characters', () => {
    expect(pointAt('one\ntwo three', 9)).toBe('  line 2: two three\n              ^');
    expect(pointAt('日本\u202ex', 4)).toBe('  日本\\u{202e}x\n              ^');
    expect(pointAt('', 1)).toBe('  \n  ^');
  });
  it('is read from a file, without its remarks', async () => {
    await writeFile(join(base, 'filter'), '# what we want\n*.docx\n\n-tmp\r\n');
    endWhenFollowed();
    await run('data', { ...STANDIN, filterFrom: 'filter' }).exit;
    expect(api.starts[0]).toMatchObject({ filter: '*.docx -tmp' });
    await expect(run('data', { ...STANDIN, filterFrom: 'nothing' }).exit).rejects.toMatchObject({ exit: EXIT.usage });
    await expect(run('data', { filter: 'a', filterFrom: 'b' }).exit).rejects.toMatchObject({ code: 'two_filters' });
  });
});

describe('a scan', () => {
  it('on a stack of the occasion sends what was asked, and stops the stack at its end', async () => {
    endWhenFollowed();
    const options = { ...STANDIN, action: 'move', quarantine: 'q', maxSize: 10, dryRun: true, weight: 3 } as const;
    const { exit, out, err } = run('data', options);
    expect(await exit).toBe(EXIT.ok);
    expect(api.starts).toEqual([
      { folder, scanner: 'standin', action: 'move', quarantine: join(base, 'q'), maxSize: 10, dryRun: true, weight: 3 },
    ]);
    expect(stacks.stopped).toEqual([join(base, 'home')]);
    expect(out()).toMatch(/^complete\n/);
    expect(err()).toContain('starting temporal');
  });
  it('with the stand-in does not hand the real scanner to its stack, and the other way round', async () => {
    endWhenFollowed();
    await run('data', STANDIN, { DSXA_SCANNER_URL: 'http://127.0.0.1:9' }).exit;
    expect(stacks.started[0]?.env.DSXA_SCANNER_URL).toBeUndefined();
    await run('data', {}, { DSXA_SCANNER_URL: 'http://127.0.0.1:9' }).exit;
    expect(stacks.started[1]).toMatchObject({ skip: ['standin'], env: { DSXA_SCANNER_URL: 'http://127.0.0.1:9' } });
    expect(api.starts[1]).toEqual({ folder, scanner: 'dsxa' });
  });
  it('on a running stack leaves it running', async () => {
    stacks.up = fakeStack(api.origin);
    endWhenFollowed();
    expect(await run('data', STANDIN).exit).toBe(EXIT.ok);
    expect([stacks.started, stacks.stopped]).toEqual([[], []]);
  });
  it('of a connector names it by its id', async () => {
    stacks.up = fakeStack(api.origin);
    endWhenFollowed();
    await run('finance', STANDIN).exit;
    expect(api.starts[0]).toEqual({ connector: 'finance', scanner: 'standin' });
  });
  it('that is refused names the running job', async () => {
    api.onStart = () => ({ status: 409, body: problem(409, 'scan_running', { job: 'f-9' }) });
    api.job = endedJob();
    const error = await run('data', STANDIN).exit.catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'scan_running', exit: EXIT.usage });
    expect(String(error)).toContain('dsx watch f-9');
    expect(stacks.stopped).toHaveLength(1);
  });
  it('with an idempotency key sends it, and says when nothing was started', async () => {
    stacks.up = fakeStack(api.origin);
    api.onStart = () => ({ status: 200, body: { job: 'f-1', joined: false, repeated: true, links: {} } });
    endWhenFollowed();
    const { exit, err } = run(folder, { ...STANDIN, idempotencyKey: 'nightly-7' });
    expect(await exit).toBe(EXIT.ok);
    expect(api.keys).toEqual(['nightly-7']);
    expect(err()).toContain('stands for job f-1');
  });

  it('that joined says so; Ctrl-C then leaves it to whoever started it', async () => {
    stacks.up = fakeStack(api.origin);
    api.onStart = () => ({ status: 200, body: { job: 'f-1', joined: true, links: {} } });
    const { exit, err, out } = run('data', STANDIN);
    await api.streamOpened(1);
    signals.emit('SIGINT');
    expect(await exit).toBe(EXIT.failed);
    expect(api.controls).toEqual([]);
    expect(err()).toContain('joined job f-1');
    expect(err()).toContain('dsx cancel f-1');
    expect(out()).toContain('dsx watch f-1');
  });
  it('that is detached stays, with the stack, and says how to go on', async () => {
    const { exit, out, err } = run('data', { ...STANDIN, detach: true, json: true });
    expect(await exit).toBe(EXIT.ok);
    expect(
      out()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { type: 'started', job: 'f-1', joined: false },
      { type: 'detached', job: 'f-1', watch: 'dsx watch f-1' },
    ]);
    expect(err()).toContain('dsx down');
    expect(stacks.stopped).toEqual([]);
  });
  it('that is left by a second Ctrl-C keeps the stack of the occasion', async () => {
    api.onCancel = () => undefined;
    const { exit, err } = run('data', STANDIN);
    await api.streamOpened(1);
    signals.emit('SIGINT');
    signals.emit('SIGINT');
    expect(await exit).toBe(EXIT.cancelled);
    expect(stacks.stopped).toEqual([]);
    expect(err()).toContain('the stack stays up');
  });
  it('uses the stack that another command started in the same moment', async () => {
    stacks.onStart = () => {
      stacks.up = fakeStack(api.origin, { standing: false });
      throw new CliError('failed', 'stack_starting', 'a stack is being started');
    };
    endWhenFollowed();
    expect(await run('data', STANDIN).exit).toBe(EXIT.ok);
    expect(stacks.stopped).toEqual([]);
    stacks.up = undefined;
    stacks.onStart = () => {
      throw new CliError('failed', 'port_taken', 'no');
    };
    await expect(run('data', STANDIN).exit).rejects.toMatchObject({ code: 'port_taken' });
  });
  it('interrupted while its stack starts scans nothing', async () => {
    api.job = endedJob();
    stacks.onStart = () => void signals.emit('SIGINT');
    await expect(run('data', STANDIN).exit).rejects.toMatchObject({ code: 'interrupted', exit: EXIT.cancelled });
    expect(api.starts).toEqual([]);
    expect(stacks.stopped).toHaveLength(1);
  });
  it('does not stop a stack on which another job runs by now', async () => {
    endWhenFollowed();
    api.others = [runningJob({ job: 'f-2' })];
    const { exit, err } = run('data', STANDIN);
    expect(await exit).toBe(EXIT.ok);
    expect(stacks.stopped).toEqual([]);
    expect(err()).toContain('still runs f-2');
  });
});
