import type { Command } from 'commander';
import { CliError, EXIT } from '../errors.ts';
import { ROOT } from '../home.ts';
import { temporalBinary, valkeyBinary } from '../stack/binaries.ts';
import { runChecks } from '../test-run/checks.ts';
import { plainEnvironment, runSuites, suiteNames } from '../test-run/suites.ts';

/** Suites that need root to install what they use: run only with `--all`. */
const NEEDING_ROOT: readonly string[] = [];

export function register(program: Command): void {
  program
    .command('test')
    .description(
      'Runs the checks (types, format, promises, imports, packages) and the tests, all or those of one suite.\n' +
        `Suites: ${suiteNames(ROOT).join(', ')}.\n` +
        'Ignores the variables that name servers, scanners and keys.',
    )
    .argument('[suite]', 'a folder of test/')
    .option('--all', 'also the suites that need root to install what they use')
    .action(test);
}

async function test(suite: string | undefined, options: { readonly all?: boolean }): Promise<void> {
  const known = suiteNames(ROOT);
  if (suite !== undefined && !known.includes(suite)) {
    throw new CliError(
      'usage',
      'unknown_suite',
      `no suite ${JSON.stringify(suite)}; the suites are ${known.join(', ')}`,
    );
  }
  temporalBinary();
  valkeyBinary();
  const env = plainEnvironment(process.env);
  const left = options.all || suite !== undefined ? [] : NEEDING_ROOT;
  const checks = await runChecks(ROOT, env);
  const suites = await runSuites(ROOT, env, suite, left);
  const passed = checks.passed + suites.passed;
  const failed = checks.failed + suites.failed;
  if (suite === undefined)
    process.stdout.write(`Left out: ${left.length > 0 ? `${left.join(', ')} (run with --all)` : 'none'}\n`);
  // The last line, and alone on it: read by machines.
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 && suites.passed > 0 ? EXIT.ok : EXIT.internal;
}
