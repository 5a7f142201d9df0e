import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Environment, runNode } from './run-node.ts';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** The folders of `test/` that hold tests. */
export function suiteNames(root: string): string[] {
  return readdirSync(path.join(root, 'test'), { withFileTypes: true })
    .filter(
      (entry) => entry.isDirectory() && globSync(`${path.join(root, 'test', entry.name)}/**/*.test.ts`).length > 0,
    )
    .map((entry) => entry.name)
    .sort();
}

/** An environment that names no server, scanner, key, setting or state of anybody, with the Node that runs this first on PATH. */
export function plainEnvironment(env: Environment): Environment {
  const ignored =
    /^(?:DSXCONNECT|DSXA|TEMPORAL|REDIS|API|TLS|STANDIN)_|^(?:APP_ENV|USE_TLS|LOG_LEVEL|DSX_(?:HOME|LEDGER|CONFIG))$/;
  const kept = Object.fromEntries(Object.entries(env).filter(([name]) => !ignored.test(name)));
  return { ...kept, PATH: [path.dirname(process.execPath), env.PATH].join(path.delimiter) };
}

/** What of vitest's JSON report is read. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/**
 * Runs the tests of one suite, or of all but those `left` out, and prints how they go. A file that could not be run, a run
 * that broke off, and a test that was skipped each count as failed: what was not tested has not passed.
 */
export async function runSuites(
  root: string,
  env: Environment,
  suite: string | undefined,
  left: readonly string[],
): Promise<Counts> {
  const folder = mkdtempSync(path.join(tmpdir(), 'dsx-test-'));
  try {
    const report = path.join(folder, 'report.json');
    const args = [
      'run',
      ...(suite === undefined ? [] : [`test/${suite}/`]),
      ...left.flatMap((name) => ['--exclude', `test/${name}/**`]),
    ];
    const { code } = await runNode(
      root,
      [
        'node_modules/vitest/vitest.mjs',
        ...args,
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${report}`,
      ],
      env,
      false,
    );
    return count(readReport(report), code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readReport(file: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report;
  } catch {
    return undefined;
  }
}

/** @param code of vitest, which also fails for errors that belong to no test */
export function count(report: Report | undefined, code: number): Counts {
  if (report === undefined) {
    process.stdout.write('the tests broke off: vitest left no report\n');
    return { passed: 0, failed: 1 };
  }
  const tests = report.testResults.flatMap((file) => file.assertionResults);
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  );
  const skipped = tests.filter((test) => test.status !== 'passed' && test.status !== 'failed');
  for (const test of skipped) process.stdout.write(`not run: ${test.fullName}\n`);
  for (const file of broken) process.stdout.write(`broken: ${file.name}\n`);
  const failed = report.numFailedTests + broken.length + skipped.length;
  return { passed: report.numPassedTests, failed: code === 0 ? failed : Math.max(failed, 1) };
}
