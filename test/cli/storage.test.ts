import { EventEmitter } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assets } from '../../cli/commands/assets.ts';
import { check } from '../../cli/commands/check.ts';
import { connectors } from '../../cli/commands/connectors.ts';
import { estimate } from '../../cli/commands/estimate.ts';
import { preview } from '../../cli/commands/preview.ts';
import { EXIT } from '../../cli/errors.ts';
import { listenForInterrupts } from '../../cli/job/interrupts.ts';
import { type Estimate, NO_COUNTS } from '../../domain/estimate.ts';
import type { Answer } from '../../ledger/answers.ts';
import { type Api, CONNECTORS, startApi } from '../api/fixture.ts';
import { type FakeStacks, fakeStack, fakeStacks } from './fake-stacks.ts';
import { capturing } from './samples.ts';

let api: Api;
let stacks: FakeStacks;
let home: string;
beforeEach(async () => {
  api = await startApi();
  stacks = fakeStacks(api.origin);
  stacks.up = fakeStack(api.origin);
  home = await mkdtemp(join(tmpdir(), 'dsx-storage-test-'));
});
afterEach(async () => {
  await api.stop();
  await rm(home, { recursive: true, force: true });
});

function here() {
  const signals = new EventEmitter();
  const interrupts = listenForInterrupts(signals);
  return { ...capturing(), stacks, env: { DSX_HOME: home }, cwd: home, interrupts, signals };
}

describe('a connector that is not configured', () => {
  const asks = {
    check,
    preview,
    estimate,
    assets: (text: string, _options: object, at: ReturnType<typeof here>) => assets(text, { limit: 1 }, at),
  };
  it.each(Object.entries(asks))('is told by dsx %s before a stack is started for it', async (_name, ask) => {
    stacks.up = undefined;
    await expect(ask('nowhere', { limit: 1 }, here())).rejects.toMatchObject({
      exit: EXIT.usage,
      code: 'connector_not_found',
    });
    expect(stacks.started).toEqual([]);
  });
});

/** What a worker wrote. */
const answering = (answer: Answer) => async () => (await api.ledger.open()).answers.write(answer);
const facts = { outside: 0, more: false, partial: false, seconds: 0.2 };

describe('dsx connectors', () => {
  it('lists those of the running stack', async () => {
    const one = here();
    expect(await connectors({}, one)).toBe(EXIT.ok);
    expect(one.out()).toBe(
      'CONNECTOR  KIND        SITE   ACTION   WATCH  ASSET\n' +
        'share      filesystem  -      move     -      /srv/share\n' +
        'plant-2    filesystem  plant  nothing  yes    /srv/two\n',
    );
    const json = here();
    await connectors({ json: true }, json);
    expect(
      json
        .out()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(CONNECTORS);
  });

  it('with no stack up lists those of the file, without what is secret in it', async () => {
    stacks.up = undefined;
    const file = join(home, 'dsx-connect.yaml');
    await writeFile(file, 'connectors: [{id: one, kind: filesystem, asset: /a, scanPassword: canary}]\n');
    const one = here();
    expect(await connectors({ json: true }, one)).toBe(EXIT.ok);
    expect(one.out()).toMatch(/"id":"one"/);
    expect(one.out()).not.toContain('scanPassword');
    expect(one.err()).toContain('no stack is up');
    await rm(file);
    const none = here();
    await connectors({}, none);
    expect(none.out()).toContain('no connectors yet');
  });
});

describe('dsx check', () => {
  it('tells each check, and fails when one does', async () => {
    const good = here();
    expect(await check('share', {}, good)).toBe(EXIT.ok);
    expect(good.out()).toBe('ok   list: lists\nshare: all is well\n');
    expect(api.control.checked).toMatchObject([{ action: 'move' }]);
    api.control.report = { ok: false, checks: [{ name: 'write', ok: false, detail: 'no\npermission' }] };
    const bad = here();
    expect(await check(home, { action: 'delete' }, bad)).toBe(EXIT.failed);
    expect(bad.out()).toBe(`FAIL write: no\\npermission\n${home}: 1 of 1 check failed\n`);
    expect(api.control.checked.at(-1)).toMatchObject({ source: { kind: 'folder', path: home }, action: 'delete' });
  });

  it('names an unknown connector, and starts a stack without a scanner when none is up', async () => {
    await expect(check('nothing', {}, here())).rejects.toMatchObject({ code: 'connector_not_found', exit: EXIT.usage });
    stacks.up = undefined;
    await writeFile(join(home, 'dsx-connect.yaml'), 'connectors: [{id: share, kind: filesystem, asset: /srv/share}]\n');
    expect(await check('share', {}, here())).toBe(EXIT.ok);
    expect(stacks.started).toMatchObject([{ skip: ['standin'] }]);
    expect(stacks.stopped).toEqual([home]);
  });
});

describe('dsx preview', () => {
  it('shows items, what is not scanned and why, and what the filter leaves out', async () => {
    api.control.onPreview = answering({
      facts: { ...facts, outside: 1, more: true },
      lines: [
        { item: { location: 'a.docx', size: 2_048 } },
        { item: { location: 'b\u202e.docx', size: 1, notScanned: { outcome: 'skipped', reason: 'link' } } },
        { leftOut: { location: 'tmp/', why: 'excluded', rule: '-tmp' } },
        { leftOut: { location: 'x', why: 'not_included' } },
        { gap: { location: 'locked/', detail: 'permission denied' } },
      ],
    });
    const one = here();
    expect(await preview('share', { limit: 2 }, one)).toBe(EXIT.gaps);
    expect(one.out()).toBe(
      'share, filter *.docx\n' +
        '  2 KiB  a.docx\n' +
        '    1 B  b\\u{202e}.docx  skipped: link\n' +
        'left out by the filter on the way:\n' +
        '  tmp/  excluded by -tmp\n' +
        '  x  not included\n' +
        'folders that can not be listed:\n' +
        '  locked/  permission denied\n' +
        '2 items; a scan would list more; 1 entry outside the filter so far (0.2 s)\n',
    );
    const json = here();
    await preview('share', { limit: 2, json: true }, json);
    expect(JSON.parse(json.out())).toMatchObject({ more: true, items: [{ size: 2_048 }, {}] });
  });

  it('refuses a filter that does not parse before anything is asked', async () => {
    await expect(preview('share', { limit: 2, filter: '"' }, here())).rejects.toMatchObject({ exit: EXIT.usage });
  });

  it('tells what the storage said', async () => {
    api.control.onPreview = answering({ facts: { failed: { code: 'unreachable', message: 'mount it' } }, lines: [] });
    const failure = preview('share', { limit: 2 }, here());
    await expect(failure).rejects.toMatchObject({ exit: EXIT.failed, code: 'storage_failed', message: 'mount it' });
  });

  it('ends at an interrupt', async () => {
    const one = here();
    api.control.onPreview = () => {
      one.signals.emit('SIGINT');
      return new Promise(() => undefined);
    };
    await expect(preview('share', { limit: 2 }, one)).rejects.toMatchObject({ exit: EXIT.cancelled });
  });
});

describe('dsx assets', () => {
  it('lists page after page', async () => {
    const pages = [
      { facts: { kind: 'assets', source: 'share', next: 'b' }, lines: [{ asset: 'a', detail: 'a bucket' }] },
      { facts: { kind: 'assets', source: 'share' }, lines: [{ asset: 'b' }] },
    ];
    const afters: unknown[] = [];
    api.control.onAssets = async ({ after }) => {
      afters.push(after?.name);
      return answering(pages[afters.length - 1] as Answer)();
    };
    const one = here();
    expect(await assets('share', { limit: 10 }, one)).toBe(EXIT.ok);
    expect(one.out()).toBe('a  a bucket\nb\n');
    expect(afters).toEqual([undefined, expect.stringMatching(/^_answers\//)]);
    await expect(assets(home, { limit: 10 }, here())).rejects.toMatchObject({ code: 'not_a_connector' });
  });
});

describe('dsx estimate', () => {
  const counted = { ...NO_COUNTS, items: 12_345, bytes: 2 ** 30, scanItems: 12_340, scanBytes: 2 ** 29, requests: 7 };
  /** Lets the estimate that runs be so. */
  const become = (changes: Partial<Estimate>): void => {
    for (const [id, { source, estimate: now }] of api.control.estimates) {
      api.control.estimates.set(id, { source, estimate: { ...now, ...changes } });
    }
  };
  const untilBegun = async (): Promise<void> => {
    while (api.control.estimates.size === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  it('tells what was counted', async () => {
    const one = here();
    const ended = estimate('share', { filter: '', maxTime: 60 }, one);
    await untilBegun();
    become({ ...counted, notScanned: { 'skipped/size': 5 }, outside: 3, state: 'completed', partial: false });
    expect(await ended).toBe(EXIT.ok);
    expect(one.out()).toBe(
      'share: 12,345 items, 1 GiB\n' +
        'to be scanned: 12,340 items, 512 MiB\n' +
        'listed, but not scanned: 5 skipped: size\n' +
        'outside the filter, as far as the listing met it: 3\n' +
        'the listing took 7 requests to the storage and 0 s\n',
    );
    expect(api.control.estimateRequests).toMatchObject([{ maxSeconds: 60, settings: { filter: '' } }]);
  });

  it('is stopped by Ctrl-C, and prints what was counted', async () => {
    const one = here();
    const ended = estimate('share', {}, one);
    await untilBegun();
    become(counted);
    one.signals.emit('SIGINT');
    expect(await ended).toBe(EXIT.cancelled);
    expect(one.out()).toContain('share: 12,345 items');
    expect(one.out()).toContain('partial: it was stopped; there is more');
    expect([...api.control.estimates.values()]).toMatchObject([{ estimate: { state: 'stopped' } }]);
  });

  it('speaks JSON: progress, then the estimate', async () => {
    const one = here();
    const ended = estimate('share', { json: true }, one);
    await untilBegun();
    become(counted);
    while (!one.out().includes('progress')) await new Promise((resolve) => setTimeout(resolve, 5));
    become({ state: 'out_of_time' });
    expect(await ended).toBe(EXIT.gaps);
    const lines = one
      .out()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ type, state }) => [type, state])).toEqual([
      ['progress', 'running'],
      ['estimate', 'out_of_time'],
    ]);
    expect(lines.at(-1)).toMatchObject({ items: 12_345, partial: true });
  });

  it('a listing that failed, or left folders out, is no good estimate', async () => {
    for (const [changes, exit] of [
      [{ state: 'failed', failure: { code: 'credentials', message: 'renew the token' } }, EXIT.failed],
      [{ state: 'completed', partial: false, gaps: 2 }, EXIT.gaps],
    ] as const) {
      api.control.estimates.clear();
      const one = here();
      const ended = estimate('share', {}, one);
      await untilBegun();
      become(changes);
      expect(await ended).toBe(exit);
      expect(one.out()).toMatch(/credentials: renew the token|can not be listed: 2/);
    }
  });
});
