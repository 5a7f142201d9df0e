import { bytes, count, duration } from '../../cli/render/units.ts';
import { shownCount } from './arguments.ts';
import type { ScaleFigures } from './scale-run.ts';

/** What a scan of ten times as many files may take of each, for one item and for the worker, at most. */
const CPU_GROWTH = 1.1;
const MEMORY_GROWTH = 1.2;

export interface NamedFigures extends ScaleFigures {
  /** As `100 k` or `1 M in one folder`. */
  readonly name: string;
  readonly flat: boolean;
}

export interface Check {
  readonly text: string;
  readonly ok: boolean;
}

/** A figure of each scan below the other, ready to be shown or put into a document. */
export function table(all: readonly NamedFigures[]): string {
  const rows: [string, (one: NamedFigures) => string][] = [
    ['seconds', (one) => one.seconds.toFixed(1)],
    ['items/s', (one) => count(Math.round(one.files / one.seconds))],
    ['CPU per item, worker', (one) => `${one.workerCpuMs.toFixed(3)} ms`],
    ['CPU per item, whole stack', (one) => `${one.stackCpuMs.toFixed(3)} ms`],
    ['history events per 1,000 items', (one) => perThousand(one.events, one.files)],
    ['runs; events of the largest', (one) => `${one.runs}; ${count(one.mostEvents)}`],
    ['largest payload', (one) => `${bytes(one.largestPayload.bytes)} (${one.largestPayload.event})`],
    ['Redis operations per 1,000 items', (one) => perThousand(one.redisOperations, one.files)],
    ['Redis operations per second', (one) => (one.redisOperations / one.seconds).toFixed(1)],
    ['ledger', (one) => `${bytes(one.ledgerBytes)} in ${count(one.ledgerObjects)} objects`],
    ['ledger per item', (one) => `${Math.round(one.ledgerBytes / one.files)} B`],
    ['worker, peak memory', (one) => bytes(one.workerPeakBytes)],
    ['worker, memory early and late', (one) => `${bytes(one.workerBytes.early)}, ${bytes(one.workerBytes.late)}`],
    ['Temporal server, memory (peak)', (one) => `${bytes(one.temporalBytes)} (${bytes(one.temporalPeakBytes)})`],
    ['Temporal database', (one) => bytes(one.temporalDbBytes)],
    ['account', (one) => (one.wrong.length === 0 ? 'exact' : 'WRONG')],
  ];
  const lines = [
    `| | ${all.map((one) => one.name).join(' | ')} |`,
    `| --- |${' --- |'.repeat(all.length)}`,
    ...rows.map(([name, of]) => `| ${name} | ${all.map(of).join(' | ')} |`),
  ];
  return lines.join('\n');
}

/** What must hold: every account is exact; and where 100,000 and more files were scanned, the larger scan costs no more. */
export function checks(all: readonly NamedFigures[]): Check[] {
  const found: Check[] = all.map((one) => ({
    text: `${one.name}: ${one.wrong.length === 0 ? 'account exact' : `account wrong: ${one.wrong.join('; ')}`}`,
    ok: one.wrong.length === 0,
  }));
  const base = all.find((one) => one.files === 100_000 && !one.flat);
  for (const one of all) {
    if (base === undefined || one.flat || one.files <= base.files) continue;
    found.push(ratio(`CPU per item, ${one.name} over ${base.name}`, one.workerCpuMs / base.workerCpuMs, CPU_GROWTH));
    const memory = one.workerPeakBytes / base.workerPeakBytes;
    found.push(ratio(`peak memory of the worker, ${one.name} over ${base.name}`, memory, MEMORY_GROWTH));
  }
  return found;
}

function ratio(what: string, value: number, most: number): Check {
  return { text: `${what}: × ${value.toFixed(2)} (at most ${most})`, ok: value <= most };
}

function perThousand(total: number, files: number): string {
  return ((total * 1000) / files).toFixed(2);
}

export function told(one: NamedFigures): string {
  return `${one.name}: ${duration(one.seconds)}, ${one.workerCpuMs.toFixed(3)} ms of the worker's CPU per item, peak ${bytes(one.workerPeakBytes)}`;
}

/** What the files of a scan are called. */
export function nameOf(files: number, flat: boolean): string {
  return flat ? `${shownCount(files)} in one folder` : shownCount(files);
}
