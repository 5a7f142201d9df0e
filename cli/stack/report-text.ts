import type { PartReport, StackReport } from './report.ts';

/** Prints a report for people. */
export function printReport(report: StackReport, out: NodeJS.WritableStream = process.stdout): void {
  out.write(`${reportLines(report).join('\n')}\n`);
}

export function reportLines(report: StackReport): string[] {
  const problems = report.problems.map((problem) => `  ! ${problem}`);
  if (report.phase === undefined) return [`Nothing runs in ${report.home}.`, ...problems];
  return [
    `The stack in ${report.home} is ${report.phase} since ${report.since} (process ${report.pid}).`,
    ...table(report.parts.map(row)),
    ...report.absent.map(({ part, why }) => `  ${part}: not started (${why})`),
    '',
    ...(report.api ? [`API          ${report.api}`] : []),
    ...(report.temporalUi ? [`Temporal UI  ${report.temporalUi}`] : []),
    ...(report.ledger ? [`Ledger       ${report.ledger}`] : []),
    `Scanners     ${report.scanners.join(', ') || 'none: set DSXA_SCANNER_URL'}`,
    ...(problems.length > 0 ? ['', 'What is wrong:', ...problems] : []),
  ];
}

function row(part: PartReport): string[] {
  const condition = part.origin === 'external' ? 'external' : part.condition;
  const restarts = part.restarts === 0 ? '' : `restarted ${part.restarts}×, last: ${part.problem?.text ?? 'unknown'}`;
  return [
    part.name,
    condition,
    part.address ?? '',
    part.since ? `since ${part.since}` : '',
    part.pid ? `process ${part.pid}` : '',
    restarts,
  ];
}

/** Rows as lines with aligned columns, indented. */
function table(rows: readonly string[][]): string[] {
  const widths = rows.reduce<number[]>(
    (found, cells) => cells.map((cell, at) => Math.max(found[at] ?? 0, cell.length)),
    [],
  );
  return rows.map((cells) => `  ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')}`.trimEnd());
}
