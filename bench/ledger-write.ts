import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Item } from '../domain/item.ts';
import { type OutcomeRow, rowHead } from '../domain/outcome.ts';
import { openLedger } from '../ledger/ledger.ts';

/** What a page of 5,000 rows costs the ledger. Usage: `node bench/ledger-write.ts [rounds] [folder]`; medians in ms. */
const ROWS = 5_000;
const rounds = Number(process.argv[2] ?? 25);
const folder = await mkdtemp(join(process.argv[3] ?? tmpdir(), 'dsx-bench-ledger-'));

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

async function measure(name: string, bytes: () => Promise<unknown>): Promise<void> {
  const wall: number[] = [];
  const cpu: number[] = [];
  for (let round = 0; round < rounds + 3; round++) {
    const began = performance.now();
    const threadBefore = process.threadCpuUsage();
    await bytes();
    const thread = process.threadCpuUsage(threadBefore);
    if (round < 3) continue;
    wall.push(performance.now() - began);
    cpu.push((thread.user + thread.system) / 1000);
  }
  console.log(
    `${name.padEnd(34)} ${median(wall).toFixed(1).padStart(7)} ms wall ${median(cpu).toFixed(1).padStart(7)} ms main thread`,
  );
}

try {
  const ledger = await openLedger(join(folder, 'ledger'));
  const job = ledger.job('bench');
  const writer = { run: randomUUID(), activity: 'scan-0-1', attempt: 1 };
  const items = Array.from({ length: ROWS }, (_, ordinal) => item(ordinal));
  const rows = items.map((listed, ordinal) => row('0-1', ordinal, listed));
  const segment = await job.writeSegment('0-1', rows, writer);
  const stored = await job.objects.get(segment.name);
  console.log(
    `${ROWS} rows: ${(stored.length / 1024).toFixed(0)} KiB stored, ${JSON.stringify(rows).length >> 10} KiB as JSON`,
  );
  await measure('writeSegment, 5,000 rows', () => job.writeSegment('0-1', rows, writer));
  await measure('writePart, 500 rows', () => job.writePart('0-1', 1, undefined, rows.slice(0, 500), writer));
  await measure('writePage, 5,000 items', () => job.writePage('0-1', items, writer));
  await measure('readSegment, 5,000 rows', () => job.readSegment(segment));
} finally {
  await rm(folder, { recursive: true, force: true });
}
