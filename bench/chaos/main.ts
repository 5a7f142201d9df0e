import { EXIT } from '../../cli/errors.ts';
import { faultText, jobText, resultTable } from './report.ts';
import { type ChaosReporter, type ChaosResult, runChaos } from './run.ts';

export interface ChaosArguments {
  readonly seed: number;
  readonly kills: number;
  readonly items: number;
  readonly workers: number;
  readonly keep: boolean;
  readonly json: boolean;
}

/** `dsx chaos`: runs it, tells it, and returns the exit code: 0 only if everything is proven. */
export default async function chaos(given: ChaosArguments): Promise<number> {
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort();
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const began = Date.now();
  // With --json the last line, on stdout, is the result, and everything else goes to stderr.
  const print = given.json ? console.error : console.log;
  const reporter: ChaosReporter = {
    note: (line) => print(`${clock(began)} ${line}`),
    fault: (event, number, of) =>
      print(`${clock(began)} ${String(number).padStart(String(of).length)}/${of} ${faultText(event.fault)}`),
    job: (ran, verdict) => print(`${clock(began)} ${jobText(verdict, ran.result.state, ran.seconds)}`),
  };
  try {
    const { json: _, ...options } = given;
    const result = await runChaos({ ...options, env: process.env, interrupted: interrupt.signal }, reporter);
    tell(result, given.json, print);
    if (result.interrupted) return EXIT.cancelled;
    return result.proven ? EXIT.ok : EXIT.failed;
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

function tell(result: ChaosResult, json: boolean, print: (line: string) => void): void {
  print('');
  for (const line of resultTable(result)) print(line);
  for (const problem of [...result.problems, ...result.jobs.flatMap((one) => one.verdict.problems)])
    print(`  ${problem}`);
  print('');
  print(result.interrupted ? 'interrupted: nothing is proven' : result.proven ? 'proven' : 'NOT proven');
  if (result.base !== undefined) print(`left in ${result.base}`);
  if (json) console.log(JSON.stringify(result));
}

function clock(began: number): string {
  return `${((Date.now() - began) / 1000).toFixed(1).padStart(6)}s`;
}
