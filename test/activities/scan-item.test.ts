import { describe, expect, it } from 'vitest';
import { Deadlines, within } from '../../activities/deadline.ts';
import { Blocked, type ScanItemDeps, scanItem } from '../../activities/scan-page/scan-item.ts';
import type { Connector, OpenItem } from '../../connectors/connector.ts';
import { type ConnectorCode, ConnectorError } from '../../connectors/errors.ts';
import type { AllowEntry } from '../../domain/allow.ts';
import { type ScannerCode, ScannerError } from '../../scanner/errors.ts';
import type { Judgement, Scanner } from '../../scanner/scanner.ts';

const signal = new AbortController().signal;
const ITEM = { location: 'a', version: 'v1', size: 1 };
const CLEAN: Judgement = {
  outcome: 'clean',
  verdict: { verdict: 'Benign' },
  scanner: { name: 'dsxa', standIn: false },
  sha256: '00',
  bytes: 1,
};

interface World {
  /** What the storage says to opening the item, each time. */
  open?: () => Error | undefined;
  /** What it says when it is asked for the asset. */
  asset?: Error;
  scan?: () => Error | undefined;
  /** What it judges; the hash that is allowed. */
  judged?: Partial<Judgement>;
  allowed?: AllowEntry;
  /** Whether a probe of the scanner goes well. */
  well?: boolean;
}

/** One item in a world where things fail, and how often it was opened. */
async function scan(
  world: World,
): Promise<{ row?: Awaited<ReturnType<typeof scanItem>>; blocked?: Blocked; opens: number }> {
  let opens = 0;
  const item: Partial<OpenItem> = {
    size: 1,
    version: 'v1',
    read: async function* () {},
    confirm: async () => undefined,
    close: async () => undefined,
  };
  const connector = {
    id: 'files',
    fingerprint: async () => {
      if (world.asset !== undefined) throw world.asset;
      return '1:1';
    },
    open: async () => {
      opens += 1;
      const error = world.open?.();
      if (error !== undefined) throw error;
      return item as OpenItem;
    },
  } as Partial<Connector> as Connector;
  const scanner = {
    maxBytes: 100,
    scan: async () => {
      const error = world.scan?.();
      if (error !== undefined) throw error;
      return { ...CLEAN, ...world.judged };
    },
    doubt: async (failure: ScannerError) =>
      (world.well ?? true) ? failure : new ScannerError('scanner_unreachable', failure.message),
  } as Partial<Scanner> as Scanner;
  const deps: ScanItemDeps = {
    connector,
    scanner,
    maxSize: undefined,
    allowed: async (sha256) => (world.allowed?.sha256 === sha256 ? world.allowed : undefined),
    job: 'job-1',
    fingerprint: '1:1',
    pace: undefined,
    begin: signal,
    send: signal,
    now: () => new Date(0),
    pause: async () => undefined,
  };
  try {
    return { row: await scanItem('0-0', 0, ITEM, deps, signal), opens };
  } catch (error) {
    if (error instanceof Blocked) return { blocked: error, opens };
    throw error;
  }
}

const storage = (code: ConnectorCode) => new ConnectorError(code, `it is ${code}`);
const GONE = storage('unreachable');

describe('one item among many', () => {
  it.each([
    ['permission_denied', 1],
    ['storage_error', 3],
    ['throttled', 3],
    ['unreachable', 3],
    ['credentials', 3],
  ] as const)('whose storage says %s is failed alone while the asset is there', async (code, tries) => {
    const { row, opens } = await scan({ open: () => storage(code) });
    expect(row).toMatchObject({ outcome: 'failed', reason: code, attempts: tries });
    expect(opens).toBe(tries);
  });

  it.each(['not_found', 'permission_denied', 'storage_error', 'throttled', 'unreachable', 'credentials'] as const)(
    'whose storage says %s blocks the page, and is not failed, when the asset is gone too',
    async (code) => {
      const { blocked, opens } = await scan({ open: () => storage(code), asset: GONE });
      expect(blocked).toMatchObject({ by: 'storage', code: 'unreachable' });
      expect(opens).toBe(1);
    },
  );

  it.each([
    ['scanner_busy', 6],
    ['scanner_transient', 3],
    ['scanner_dropped', 5],
    ['scan_timeout', 2],
    ['scanner_protocol', 3],
  ] as const)('at which the scanner says %s is failed alone while the scanner is well', async (code, tries) => {
    const { row } = await scan({ scan: () => new ScannerError(code as ScannerCode, 'no') });
    expect(row).toMatchObject({ outcome: 'failed', reason: code, attempts: tries });
  });

  it.each(['scanner_busy', 'scanner_transient', 'scanner_dropped', 'scan_timeout', 'scanner_protocol'] as const)(
    'at which the scanner says %s is never failed while the scanner is not well',
    async (code) => {
      const { blocked } = await scan({ scan: () => new ScannerError(code as ScannerCode, 'no'), well: false });
      expect(blocked).toMatchObject({ by: 'scanner', code: 'scanner_unreachable' });
    },
  );

  it('whose storage gives no more bytes blocks the page when the asset is gone', async () => {
    const { blocked } = await scan({ scan: () => new ScannerError('scan_timeout', 'no byte'), asset: GONE });
    expect(blocked).toMatchObject({ by: 'storage', code: 'unreachable' });
  });

  it('that brings out a fault of ours is failed alone', async () => {
    const { row } = await scan({ open: () => new RangeError('a name that nobody thought of') });
    expect(row).toMatchObject({
      outcome: 'failed',
      reason: 'internal',
      note: 'a name that nobody thought of',
      attempts: 2,
    });
  });

  it('that fails once and goes well then is judged', async () => {
    let failures = 0;
    const { row } = await scan({ open: () => (failures++ === 0 ? storage('unreachable') : undefined) });
    expect(row).toMatchObject({ outcome: 'clean', attempts: 2 });
  });
});

describe('a finding whose bytes are allowed', () => {
  const entry = {
    format: 1,
    allowed: true,
    by: 'ann',
    at: '2026-11-23T09:00:00.000Z',
    reason: 'a tool of ours',
  } as const;
  const bad = (outcome: 'malicious' | 'policy_blocked', sha256: string) => ({
    outcome,
    verdict: { verdict: outcome === 'malicious' ? 'Malicious' : 'Non Compliant' },
    sha256,
  });

  it.each(['malicious', 'policy_blocked'] as const)(
    'by their hash is skipped, and keeps what was found (%s)',
    async (outcome) => {
      const allowed = { ...entry, sha256: 'a'.repeat(64) };
      const { row } = await scan({ judged: bad(outcome, allowed.sha256), allowed });
      expect(row).toMatchObject({
        outcome: 'skipped',
        reason: 'allowed',
        note: `${outcome}, and allowed by ann at 2026-11-23T09:00:00.000Z: a tool of ours`,
        judged: { version: 'v1', size: 1 },
        sha256: allowed.sha256,
        verdict: bad(outcome, '').verdict,
        scanner: { name: 'dsxa' },
      });
    },
  );

  it('is one by its own hash alone, and what is clean stays clean', async () => {
    const allowed = { ...entry, sha256: 'a'.repeat(64) };
    const other = await scan({ judged: bad('malicious', 'b'.repeat(64)), allowed });
    expect(other.row).toMatchObject({ outcome: 'malicious' });
    const clean = await scan({ judged: { sha256: allowed.sha256 }, allowed });
    expect(clean.row).toMatchObject({ outcome: 'clean' });
  });
});

describe('deadlines', () => {
  it('tell what never ends, and hand a late end to whoever cleans up', async () => {
    const deadlines = new Deadlines(30, 10);
    const { promise, resolve } = Promise.withResolvers<string>();
    const late = Promise.withResolvers<string>();
    await expect(deadlines.keep(promise, () => GONE, late.resolve)).rejects.toBe(GONE);
    resolve('after all');
    expect(await late.promise).toBe('after all');
    expect(await deadlines.keep(Promise.resolve(1), () => GONE, late.resolve as never)).toBe(1);
  });

  it('of one call strike too, and pass its own failure on', async () => {
    await expect(within(10, new Promise(() => undefined), () => GONE)).rejects.toBe(GONE);
    await expect(within(1_000, Promise.reject(new RangeError('own')), () => GONE)).rejects.toThrow('own');
    expect(await within(1_000, Promise.resolve(2), () => GONE)).toBe(2);
  });
});
