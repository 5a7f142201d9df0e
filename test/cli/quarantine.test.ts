import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allow, listAllowed } from '../../cli/commands/allow.ts';
import { type Here, quarantine } from '../../cli/commands/quarantine.ts';
import { accountText } from '../../cli/render/account.ts';
import { progressLine } from '../../cli/render/progress.ts';
import { allowedText, quarantineText } from '../../cli/render/quarantine.ts';
import { plainStyle } from '../../cli/render/style.ts';
import { noOutcomes } from '../../domain/outcome.ts';
import { openLedger } from '../../ledger/ledger.ts';
import { movedRow, writeActed } from '../ledger/acted-fixture.ts';
import { endedJob } from './samples.ts';

const AT = '2026-11-23T08:46:00.000Z';
const HASH = 'ab'.repeat(32);
const plain = plainStyle();
const source = { kind: 'folder', id: 'folder-0123456789abcdef', path: '/srv/sha re' } as const;

describe('the list of the quarantine', () => {
  it('tells where each item was and is, and what to type, in a way that can not steer a terminal', () => {
    const { undo: _, state: __, code: ___, ...row } = movedRow('job-1', 3, AT);
    const bent = { location: 'a\u001b[31m', threat: 'Tro\njan', destination: '/q/\u001b', sha256: HASH };
    const text = quarantineText([{ ...row, ...bent, source, job: 'job-2', restorable: true }], 'eyJ', plain);
    expect(text).toContain('a\\x1b[31m  Tro\\njan');
    expect(text).toContain(`  /srv/sha re, move at ${AT}, job job-2 0-0:3`);
    expect(text).toContain('  now /q/\\x1b');
    expect(text).toContain('dsx restore job-2 --findings 0-0:3 --reason TEXT');
    expect(text).toContain(`dsx allow ${HASH} --reason TEXT`);
    expect(text).toContain('the next scan judges it again');
    expect(text).toContain('--after eyJ');
    expect(text).not.toContain('\u001b');
    expect(quarantineText([], undefined, plain)).toBe('nothing is in quarantine');
  });

  it('of hashes says who allowed which, and which no longer', () => {
    const entry = { sha256: HASH, by: 'ann\u001b', at: AT, reason: 'a tool\n of ours' };
    const text = allowedText(
      [
        { ...entry, allowed: true },
        { ...entry, allowed: false },
      ],
      undefined,
      plain,
    );
    expect(text.split('\n')).toEqual([
      `${HASH}  allowed  by ann\\x1b at ${AT}: a tool\\n of ours`,
      `${HASH}  revoked  by ann\\x1b at ${AT}: a tool\\n of ours`,
    ]);
    expect(allowedText([], undefined, plain)).toBe('no hash is allowed');
  });
});

describe('the account', () => {
  it('of a restore says what was put back, by whose word, and that it will be judged again', () => {
    const job = endedJob({
      kind: 'apply',
      listed: 0,
      order: { why: 'restore', job: 'job-1', by: 'ann', at: AT, reason: 'false alarm' },
      actions: { planned: 0, 'awaiting-approval': 0, done: 4, failed: 1, refused: 0 },
      gaps: [{ class: 'action_failed', count: 1 }],
      state: 'completed_with_gaps',
    });
    const text = accountText(job, [], plain);
    expect(text).toContain('puts back   what job job-1 moved');
    expect(text).toContain('reason      false alarm');
    expect(text).toContain('restore: 4 done, 1 failed');
    expect(text).toContain('dsx allow SHA256 --reason TEXT');
    expect(text).toContain(`dsx ledger show ${job.job} --actions`);
    const rates = { itemsPerSecond: 0, bytesPerSecond: 0, etaSeconds: undefined };
    expect(progressLine(job, rates, new Date(AT))).toContain('put back: 4 done, 1 failed');
  });

  it('of a scan says how many findings were allowed by their hash', () => {
    const counters = { outcomes: { ...noOutcomes(), clean: 7, skipped: 5 }, bytes: 9, standIn: 0, allowed: 2 };
    const text = accountText(endedJob({ listed: 12, counters }), [], plain);
    expect(text).toMatch(/skipped +5 {2}\(2 judged a finding, and allowed by hash\)/);
  });
});

describe('with no stack up', () => {
  let home: string;
  const told: string[] = [];
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'dsx-quarantine-'));
    told.length = 0;
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  const here = (): Here => {
    const output = { out: (text: string) => told.push(text), err: () => undefined, stdout: process.stdout };
    const stacks = { find: async () => undefined };
    return { env: { DSX_HOME: home }, cwd: '/', output, stacks } as unknown as Here;
  };

  it('the ledger is read', async () => {
    await quarantine(undefined, { limit: 5 }, here());
    const ledger = await openLedger(join(home, 'ledger'));
    await writeActed(
      ledger,
      'job-1',
      AT,
      [0, 1, 2].map((i) => movedRow('job-1', i, AT)),
    );
    await quarantine(undefined, { limit: 2, json: true }, here());
    const page = JSON.parse(told[1] ?? '') as { items: { location: string; undo?: unknown }[]; next: string };
    expect([told[0], page.items.map(({ location }) => location)]).toEqual([
      'nothing is in quarantine',
      ['bad-0', 'bad-1'],
    ]);
    expect(page.items[0]?.undo).toBeUndefined();
    await expect(quarantine(undefined, { limit: 1, after: 'x' }, here())).rejects.toMatchObject({ exit: 2 });
  });

  it('a hash is allowed and revoked, each with a reason', async () => {
    await allow(HASH, { reason: 'ours', json: true }, here());
    expect(JSON.parse(told[0] ?? '')).toMatchObject({ sha256: HASH, allowed: true, by: 'local', reason: 'ours' });
    await allow(HASH, { reason: 'not ours', revoke: true }, here());
    await listAllowed({ limit: 10 }, here());
    expect(told[2]).toContain(`${HASH}  revoked  by local`);
    await expect(allow(HASH, { reason: 'x', revoke: true }, here())).rejects.toMatchObject({
      code: 'not_allowed',
      exit: 2,
    });
    await expect(allow(HASH, {}, here())).rejects.toMatchObject({ code: 'no_reason', exit: 2 });
    await expect(listAllowed({ limit: 1, revoke: true }, here())).rejects.toMatchObject({ code: 'no_hash', exit: 2 });
  });
});
