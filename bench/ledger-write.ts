import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Item } from '../domain/item.ts';
import { type OutcomeRow, rowHead } from '../domain/outcome.ts';
import { openLedger } from '../ledger/ledger.ts';

/** What a page of this many rows costs the ledger. */
const ROWS = 5_000;
/** Rounds that are not counted, so that the code is compiled. */
const WARM_UP = 3;

function item(ordinal: number): Item {
  return {
    location: `projects/2026/department-${ordinal % 37}/report ${ordinal}.docx`,
    version: `2049-${1_000_000 + ordinal}-4096-${1_760_000_000_000_000_000n + BigInt(ordinal)}-${1_760_000_000_000_000_000n}`,
    size: 4096,
    modified: '2026-01-02T03:04:05.678Z',
  };
}

function row(page: string, ordinal: number, listed: Item): OutcomeRow {
  return {
    ...rowHead(page, ordinal, listed),
    outcome: 'clean',
    judged: { version: listed.version ?? '', size: 4096 },
    sha256: randomBytes(32).toString('hex'),
    verdict: { verdict: 'Benign', fileType: 'OOXML', containerFiles: 1, containerBytes: 4096 },
    scanner: { name: 'dsxa', standIn: false, scanId: randomUUID().replaceAll('-', ''), engineMicros: 812 },
    attempts: 1,
    at: '2026-01-02T03:04:06.789Z',
  };
}

const median = (of: number[]): number => [...of].sort((a, b) => a - b)[Math.floor(of.length / 2)] ?? Number.NaN;

async function measure(name: string, rounds: number, call: () => Promise<unknown>): Promise<void> {
  const wall: number[] = [];
  const cpu: number[] = [];
  for (let round = 0; round < rounds + WARM_UP; round++) {
    const began = performance.now();
    const before = process.threadCpuUsage();
    await call();
    const thread = process.threadCpuUsage(before);
    if (round < WARM_UP) continue;
    wall.push(performance.now() - began);
    cpu.push((thread.user + thread.system) / 1000);
  }
  const figures = `${median(wall).toFixed(1).padStart(7)} ms wall ${median(cpu).toFixed(1).padStart(7)} ms main thread`;
  console.log(`${name.padEnd(26)} ${figures}`);
}

/**
 * Usage: `dsx bench ledger-write [rounds] [folder]`. Prints medians: wall time with compression, fsync and rename, and the
 * CPU time of the main thread alone.
 */
export default async function bench(args: readonly string[]): Promise<number> {
  const rounds = Number(args[0] ?? 25);
  const folder = await mkdtemp(join(args[1] ?? tmpdir(), 'dsx-bench-ledger-'));
  try {
    const job = (await openLedger(join(folder, 'ledger'))).job('bench');
    const writer = { run: randomUUID(), activity: 'scan-0-1', attempt: 1 };
    const items = Array.from({ length: ROWS }, (_, ordinal) => item(ordinal));
    const rows = items.map((listed, ordinal) => row('0-1', ordinal, listed));
    const segment = await job.writeSegment('0-1', rows, writer);
    const stored = (await job.objects.get(segment.name)).length;
    const json = rows.reduce((sum, each) => sum + JSON.stringify(each).length, 0);
    const page = (await job.objects.get((await job.writePage('0-1', items, writer)).name)).length;
    console.log(
      `${ROWS} items: page ${Math.round(page / 1024)} KiB; rows: ${Math.round(json / 1024)} KiB as JSON, ${Math.round(stored / 1024)} KiB stored`,
    );
    await measure('writeSegment, 5,000 rows', rounds, () => job.writeSegment('0-1', rows, writer));
    await measure('writePart, 500 rows', rounds, () => job.writePart('0-1', 1, undefined, rows.slice(0, 500), writer));
    await measure('writePage, 5,000 items', rounds, () => job.writePage('0-1', items, writer));
    await measure('readSegment, 5,000 rows', rounds, () => job.readSegment(segment));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return 0;
}
