import { type Command, Option } from 'commander';
import { ApiError } from '../../api/client.ts';
import { type Kept, runDemo } from '../demo/run.ts';
import { runStorageDemo } from '../demo/storage/run.ts';
import { DEMO_STORAGES, type DemoStorageName } from '../demo/storage/storage.ts';
import { apiError } from '../job/follow.ts';
import { listenForInterrupts } from '../job/interrupts.ts';
import { createJsonReporter } from '../job/json-reporter.ts';
import { createTextReporter } from '../job/text-reporter.ts';
import { createOutput, type Output } from '../render/output.ts';
import { styleOf } from '../render/style.ts';
import { stacks } from '../stack/stacks.ts';

interface DemoOptions {
  readonly keep?: boolean;
  readonly json?: boolean;
  readonly storage?: DemoStorageName;
}

export function register(program: Command): void {
  program
    .command('demo')
    .description('scan a sample of files on a stack of its own, and check the account against the files')
    .option('--keep', 'leave the sample and the stack up, to look around')
    .option('--json', 'events as NDJSON on stdout, the last line being the summary')
    .addOption(
      new Option('--storage <kind>', 'on a storage instead of a folder, which is started for it')
        .choices(DEMO_STORAGES)
        .conflicts('keep'),
    )
    .action(async (options: DemoOptions) => {
      const interrupts = listenForInterrupts();
      const output = createOutput();
      const json = options.json === true;
      const reporter = json ? createJsonReporter(output) : createTextReporter(output);
      const verdict = (differences: readonly string[]): void => tellVerdict(differences, output, json);
      try {
        const here = { stacks, env: process.env, reporter, interrupts, verdict };
        if (options.storage !== undefined) {
          process.exitCode = await runStorageDemo(options.storage, here);
          return;
        }
        const { exit, kept } = await runDemo(options.keep === true, here);
        process.exitCode = exit;
        if (kept !== undefined) tellKept(kept, output, json);
        else
          output.err(
            'the sample, its quarantine and the stack are removed again; to look around in them: dsx demo --keep',
          );
      } catch (error) {
        throw error instanceof ApiError ? apiError(error) : error;
      } finally {
        interrupts.close();
      }
    });
}

function tellVerdict(differences: readonly string[], output: Output, json: boolean): void {
  const style = styleOf(json ? output.stderr : output.stdout);
  const print = json ? output.err : output.out;
  print('');
  if (differences.length === 0) print(style.good('the account is exact'));
  else print(style.bad(`the account is not exact: ${differences.length} differences`));
  for (const difference of differences) print(`  ${difference}`);
}

function tellKept(kept: Kept, output: Output, json: boolean): void {
  const print = json ? output.err : output.out;
  print('');
  print(`kept    ${kept.sample}`);
  print(`api     ${kept.stack.api}`);
  if (kept.stack.temporalUi !== undefined) print(`ui      ${kept.stack.temporalUi}`);
  print(`state   ${kept.stack.home}`);
  print(`use it  DSX_HOME=${kept.stack.home} dsx jobs`);
  print(`stop    DSX_HOME=${kept.stack.home} dsx down && rm -rf ${kept.base}`);
}
