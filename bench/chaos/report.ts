import type { JobVerdict } from './check/check-job.ts';
import { KILLED_WITHIN_MS, LOST_WITHIN_MS, type Takeover } from './check/takeover.ts';
import type { ChaosResult } from './run.ts';
import type { Fault } from './schedule.ts';

/** A fault in a few words. */
export function faultText(fault: Fault): string {
  if (fault.kind === 'toxic') {
    const { type, stream, attributes } = fault.toxic;
    const how = Object.entries(attributes).map(([name, value]) => `${name} ${value}`);
    return `${type} (${[...how, stream].join(', ')}) on ${fault.link} for ${seconds(fault.ms)}`;
  }
  if (fault.kind === 'freeze') return `SIGSTOP ${fault.part} for ${seconds(fault.ms)}`;
  return `${fault.kind === 'kill' ? 'SIGKILL' : 'SIGTERM'} ${fault.part}`;
}

export function jobText(verdict: JobVerdict, state: string, took: number): string {
  const { items, actions, scans, rescans, bound, strays } = verdict.figures;
  return (
    `${verdict.job}: ${state} after ${took.toFixed(0)} s, ${items} items, ${actions} actions, ${scans} scans, ${rescans} of them ` +
    `repeated (at most ${bound}), ${strays} strays: ${verdict.problemCount === 0 ? 'proven' : `${verdict.problemCount} problems`}`
  );
}

/** The table at the end: what struck how often, and what was shown. */
export function resultTable(result: ChaosResult): string[] {
  const faults = count(result.events.map(({ fault }) => kindOf(fault)));
  const takeovers = result.jobs.flatMap(({ verdict }) => verdict.takeovers);
  const sum = (figure: keyof JobVerdict['figures']) =>
    result.jobs.reduce((total, { verdict }) => total + verdict.figures[figure], 0);
  const rows: [string, string][] = [
    ['seed', String(result.seed)],
    ['faults', String(result.events.length)],
    ...[...faults].map(([kind, times]): [string, string] => [`  ${kind}`, String(times)]),
    ['jobs', String(result.jobs.length)],
    ['items, each with one row', String(sum('items'))],
    ['item actions, each once', String(sum('actions'))],
    ['scans', String(sum('scans'))],
    ['  repeated', `${sum('rescans')} (at most ${sum('bound')})`],
    ['  by late wakers', String(sum('late'))],
    ...takeoverRows(takeovers),
    ['wall clock', `${result.seconds.toFixed(0)} s`],
    ['problems', String(result.problems.length + sumProblems(result))],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

function takeoverRows(takeovers: readonly Takeover[]): [string, string][] {
  return (['killed', 'frozen', 'cut off'] as const).flatMap((how): [string, string][] => {
    const those = takeovers.filter((one) => one.how === how);
    if (those.length === 0) return [];
    const within = how === 'killed' ? KILLED_WITHIN_MS : LOST_WITHIN_MS;
    const longest = Math.max(...those.map((one) => one.ms));
    const workable = Math.max(...those.map((one) => one.workableMs));
    const value = `${those.length}, after ${seconds(longest)} at most; undisturbed ${seconds(workable)} (of ${seconds(within)})`;
    return [[`pages of workers ${how} that went on`, value]];
  });
}

export function sumProblems(result: ChaosResult): number {
  return result.jobs.reduce((total, { verdict }) => total + verdict.problemCount, 0);
}

function kindOf(fault: Fault): string {
  const target =
    fault.kind === 'toxic' ? fault.link.replace(/worker-\d+/, 'worker') : fault.part.replace(/worker-\d+/, 'worker');
  const names = { kill: 'SIGKILL', stop: 'SIGTERM', freeze: 'SIGSTOP', toxic: '' };
  return fault.kind === 'toxic' ? `${fault.toxic.type} on ${target}` : `${names[fault.kind]} ${target}`;
}

function count(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of [...names].sort()) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
