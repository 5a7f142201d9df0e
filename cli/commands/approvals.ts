import { type Command, InvalidArgumentError } from 'commander';
import type { ApiClient } from '../../api/client.ts';
import type { DecideBody, SourceApprovals, WaitingFinding } from '../../api/contract.ts';
import { parseSpans, VERDICTS, type Verdict } from '../../domain/approval.ts';
import { folderSourceId } from '../../domain/source.ts';
import { CliError, EXIT, EXIT_ORDER } from '../errors.ts';
import { dsxHome } from '../home.ts';
import { asked } from '../job/follow.ts';
import { listenForInterrupts } from '../job/interrupts.ts';
import { createJsonReporter } from '../job/json-reporter.ts';
import { listLimit } from '../job/list-limit.ts';
import { clientOf } from '../job/occasion.ts';
import { resolveTarget } from '../job/target.ts';
import { followAndTell } from '../job/tell.ts';
import { createTextReporter } from '../job/text-reporter.ts';
import { approvalsText, decidedText, sourcesText } from '../render/approvals.ts';
import { createOutput } from '../render/output.ts';
import { styleOf } from '../render/style.ts';
import { stacks } from '../stack/stacks.ts';
import type { Surroundings } from './scan.ts';

interface ListOptions {
  readonly limit: number;
  readonly after?: number;
  readonly json?: boolean;
}
export interface DecideOptions {
  readonly through: number;
  readonly list: string;
  readonly only?: string;
  readonly reason?: string;
  readonly detach?: boolean;
  readonly json?: boolean;
}

const DESCRIPTION: Readonly<Record<Verdict, string>> = {
  approve: 'let actions on findings that you have seen be carried out, and follow the job that does it',
  reject: 'take findings that you have seen off the list: nothing is done to them',
};

export function register(program: Command): void {
  const run = async (command: (here: Surroundings) => Promise<number>): Promise<void> => {
    const interrupts = listenForInterrupts();
    try {
      const here = { stacks, env: process.env, cwd: process.cwd(), output: createOutput(), interrupts };
      process.exitCode = await command(here);
    } finally {
      interrupts.close();
    }
  };
  program
    .command('approvals')
    .description('list findings whose actions wait for approval, and the hash that a decision names')
    .argument('[source]', 'a folder or a connector; without it, all that have something to tell')
    .option('--limit <n>', 'list at most so many findings; "all" for all', listLimit, 100)
    .option('--after <sequence>', 'go on behind this finding', wholeArgument)
    .option('--json', 'one JSON object')
    .action((source: string | undefined, options: ListOptions) => run((here) => list(source, options, here)));
  for (const verdict of VERDICTS) {
    program
      .command(verdict)
      .description(DESCRIPTION[verdict])
      .argument('<source>', 'a folder or a connector, as dsx approvals shows it')
      .requiredOption('--through <sequence>', 'the last finding that you have seen', wholeArgument)
      .requiredOption('--list <hash>', 'the hash of the list up to it, as dsx approvals printed it')
      .option('--only <numbers>', 'only these findings, as 1,2,5-7', spansArgument)
      .option('--reason <text>', 'kept with the decision')
      .option('--detach', 'do not follow the job')
      .option('--json', 'NDJSON: the decision, then the events of the job')
      .action((source: string, options: DecideOptions) => run((here) => decide(verdict, source, options, here)));
  }
}

/** Prints what waits. @throws CliError */
export async function list(source: string | undefined, options: ListOptions, here: Surroundings): Promise<number> {
  const client = await clientHere(here);
  const style = styleOf(here.output.stdout);
  if (source === undefined) {
    const all = await asked(() => client.approvals());
    here.output.out(options.json === true ? JSON.stringify(all) : sourcesText(all, style));
    return EXIT.ok;
  }
  const page = await pages(client, await sourceId(source, here.cwd), options);
  here.output.out(options.json === true ? JSON.stringify(page) : approvalsText(page, source, style));
  return EXIT.ok;
}

/** All pages up to the limit as one. `through` and `list` are those of the last: what was decided in between changes them. */
async function pages(client: ApiClient, source: string, options: ListOptions): Promise<SourceApprovals> {
  const findings: WaitingFinding[] = [];
  let after = options.after;
  for (;;) {
    const limit = Math.min(1_000, options.limit - findings.length);
    const page = await asked(() => client.waiting(source, { limit, ...(after !== undefined && { after }) }));
    findings.push(...page.findings);
    after = page.next;
    if (after === undefined || findings.length >= options.limit) return { ...page, findings };
  }
}

/** Decides, and follows the jobs that carry it out. Returns the exit code. @throws CliError `list_changed`, `not_waiting` (usage) … */
export async function decide(
  verdict: Verdict,
  source: string,
  options: DecideOptions,
  here: Surroundings,
): Promise<number> {
  const { output, interrupts } = here;
  const client = await clientHere(here);
  const body: DecideBody = {
    through: options.through,
    list: options.list,
    ...(options.only !== undefined && { only: options.only }),
    ...(options.reason !== undefined && { reason: options.reason }),
  };
  const id = await sourceId(source, here.cwd);
  const decided = await asked(() => client.decide(id, verdict, body));
  if (options.json === true) output.out(JSON.stringify({ type: 'decided', ...decided }));
  else output.out(decidedText(decided));
  const exits: number[] = [EXIT.ok];
  for (const { job } of decided.jobs) {
    const reporter = options.json === true ? createJsonReporter(output) : createTextReporter(output);
    if (options.detach === true || interrupts.count() > 0) {
      reporter.detached(job, `dsx watch ${job}`);
      reporter.close();
      continue;
    }
    const told = await followAndTell({ client, job, reporter, interrupts, onInterrupt: 'detach' });
    exits.push(told.exit);
  }
  return EXIT_ORDER.map((name) => EXIT[name]).find((code) => exits.includes(code)) ?? EXIT.internal;
}

async function clientHere(here: Surroundings): Promise<ApiClient> {
  const stack = await here.stacks.find(dsxHome(here.env));
  if (stack !== undefined) return clientOf(stack);
  const message = 'no stack is up, and what waits for approval is known to it alone; start one with: dsx up';
  throw new CliError('failed', 'no_stack', message);
}

/** Of a folder its id as a source; anything else is an id already. */
async function sourceId(text: string, cwd: string): Promise<string> {
  const target = await resolveTarget(text, cwd);
  return target.kind === 'connector' ? target.id : folderSourceId(target.path);
}

function wholeArgument(text: string): number {
  const n = Number(text);
  if (!/^\d{1,12}$/.test(text) || n < 1)
    throw new InvalidArgumentError('A sequence number, as dsx approvals prints it.');
  return n;
}

function spansArgument(text: string): string {
  if (parseSpans(text) === undefined) throw new InvalidArgumentError('Sequence numbers, as 1,2,5-7.');
  return text;
}
