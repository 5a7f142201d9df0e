import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ApiClient } from '../../api/client.ts';
import type { CreateScheduleBody, ScheduleResource } from '../../api/contract.ts';
import { BACKFILLS, type BackfillOverlap } from '../../domain/schedule/schedule.ts';
import { CliError } from '../errors.ts';
import { dsxHome } from '../home.ts';
import { asked } from '../job/follow.ts';
import { clientOf } from '../job/occasion.ts';
import { addScheduleOptions, bodyOf, type ScheduleOptions, scheduleBody } from '../job/schedule-options.ts';
import { createOutput } from '../render/output.ts';
import { previewText, schedulesText, scheduleText } from '../render/schedules.ts';
import { styleOf } from '../render/style.ts';
import { stacks } from '../stack/stacks.ts';
import type { Surroundings } from './scan.ts';

type Here = Pick<Surroundings, 'stacks' | 'env' | 'output'>;
interface Json {
  readonly json?: boolean;
}
interface CreateOptions extends ScheduleOptions, Json {
  readonly dry?: boolean;
  readonly paused?: boolean;
  readonly note?: string;
}
interface BackfillOptions extends Json {
  readonly from: string;
  readonly to: string;
  readonly overlap?: BackfillOverlap;
}

const ID = ['<id>', 'its name, as dsx schedule list shows it'] as const;
const JSON_OPTION = ['--json', 'one JSON object'] as const;

export function register(program: Command): void {
  const schedule = program.command('schedule').description('start scans of connectors at set times');
  const here = (): Here => ({ stacks, env: process.env, output: createOutput() });
  addScheduleOptions(
    schedule
      .command('create')
      .description('make a schedule')
      .argument('<id>', 'its name: lower-case letters, digits and hyphens')
      .requiredOption('--connector <id>', 'what is scanned, as dsx connectors lists it'),
  )
    .option('--paused', 'make it paused')
    .option('--note <text>', 'why, for whoever looks at it')
    .option('--dry', 'make nothing; show the next times')
    .option(...JSON_OPTION)
    .action((id: string, options: CreateOptions) => create(id, options, here()));
  schedule
    .command('list')
    .description('list the schedules')
    .option('--json', 'one JSON object a line')
    .action((options: Json) => list(options, here()));
  schedule
    .command('show')
    .description('show what a schedule starts, its last runs and its next times')
    .argument(...ID)
    .option('--runs <n>', 'so many runs', runsArgument, 10)
    .option(...JSON_OPTION)
    .action((id: string, options: Json & { readonly runs: number }) => show(id, options, here()));
  addScheduleOptions(
    schedule
      .command('edit')
      .description('change a schedule; what is not named stays as it is')
      .argument(...ID),
  )
    .option('--dry', 'change nothing; show the next times')
    .option(...JSON_OPTION)
    .action((id: string, options: CreateOptions) => edit(id, options, here()));
  for (const [verb, description] of [
    ['pause', 'start nothing any more; a scan that runs goes on'],
    ['resume', 'start scans again'],
  ] as const) {
    schedule
      .command(verb)
      .description(description)
      .argument(...ID)
      .option('--note <text>', 'why, for whoever looks at it')
      .option(...JSON_OPTION)
      .action((id: string, options: Json & { readonly note?: string }) => steer(verb, id, options, here()));
  }
  schedule
    .command('trigger')
    .description('begin a run now, unless one goes on')
    .argument(...ID)
    .option(...JSON_OPTION)
    .action((id: string, options: Json) => trigger(id, options, here()));
  schedule
    .command('backfill')
    .description('begin runs for times that went by')
    .argument(...ID)
    .requiredOption('--from <moment>', 'the first of them, as 2027-01-31T22:00:00Z')
    .requiredOption('--to <moment>', 'the last of them')
    .addOption(
      new Option('--overlap <policy>', 'one run for all of them (skip, the default), or one after the other').choices(
        BACKFILLS,
      ),
    )
    .option(...JSON_OPTION)
    .action((id: string, options: BackfillOptions) => backfill(id, options, here()));
  schedule
    .command('delete')
    .description('delete a schedule; a scan that it started goes on')
    .argument(...ID)
    .option(...JSON_OPTION)
    .action((id: string, options: Json) => remove(id, options, here()));
}

/** Makes a schedule, or shows when it would come. @throws CliError, as all below */
export async function create(id: string, options: CreateOptions, here: Here): Promise<void> {
  const client = await clientHere(here);
  const body: CreateScheduleBody = {
    ...scheduleBody(options, { connector: options.connector ?? '' }),
    id,
    ...(options.paused === true && { paused: true }),
    ...(options.note !== undefined && { note: options.note }),
  };
  if (options.dry === true) return preview(client, body, options, here);
  tell(await asked(() => client.createSchedule(body)), options, here);
}

export async function list(options: Json, here: Here): Promise<void> {
  const client = await clientHere(here);
  const all: ScheduleResource[] = [];
  for (let after: string | undefined; ; ) {
    const page = await asked(() => client.schedules({ limit: 100, ...(after !== undefined && { after }) }));
    all.push(...page.schedules);
    after = page.next;
    if (after === undefined) break;
  }
  if (options.json !== true) here.output.out(schedulesText(all, styleOf(here.output.stdout)));
  else for (const schedule of all) here.output.out(JSON.stringify(schedule));
}

export async function show(id: string, options: Json & { readonly runs: number }, here: Here): Promise<void> {
  const client = await clientHere(here);
  const [schedule, runs] = await asked(() =>
    Promise.all([client.schedule(id), client.scheduleRuns(id, { limit: options.runs })]),
  );
  const text = () => scheduleText(schedule, runs, styleOf(here.output.stdout));
  here.output.out(options.json === true ? JSON.stringify({ ...schedule, runs }) : text());
}

/** Changes the revision that it reads: a change by somebody else in between is refused (`schedule_changed`). */
export async function edit(id: string, options: CreateOptions, here: Here): Promise<void> {
  const client = await clientHere(here);
  const before = await asked(() => client.schedule(id));
  const { revision, ...was } = bodyOf(before);
  const body = scheduleBody(options, was);
  if (options.dry === true) return preview(client, { ...body, id }, options, here);
  tell(await asked(() => client.replaceSchedule(id, { ...body, revision })), options, here);
}

export async function steer(
  verb: 'pause' | 'resume',
  id: string,
  options: Json & { readonly note?: string },
  here: Here,
): Promise<void> {
  const client = await clientHere(here);
  const { note } = options;
  tell(
    await asked(() => (verb === 'pause' ? client.pauseSchedule(id, note) : client.resumeSchedule(id, note))),
    options,
    here,
  );
}

export async function trigger(id: string, options: Json, here: Here): Promise<void> {
  const client = await clientHere(here);
  const schedule = await asked(() => client.triggerSchedule(id));
  const text = `a run of ${id} was begun; see it with: dsx schedule show ${id}`;
  here.output.out(options.json === true ? JSON.stringify(schedule) : text);
}

export async function backfill(id: string, options: BackfillOptions, here: Here): Promise<void> {
  const client = await clientHere(here);
  const { from: start, to: end, overlap } = options;
  const body = { start, end, ...(overlap !== undefined && { overlap }) };
  const schedule = await asked(() => client.backfillSchedule(id, body));
  const text = `the times of ${id} in between are made up for; see the runs with: dsx schedule show ${id}`;
  here.output.out(options.json === true ? JSON.stringify(schedule) : text);
}

export async function remove(id: string, options: Json, here: Here): Promise<void> {
  const client = await clientHere(here);
  const deleted = await asked(() => client.deleteSchedule(id));
  const text = `schedule ${id} is deleted; a scan that it started goes on, and ends with: dsx cancel JOB`;
  here.output.out(options.json === true ? JSON.stringify(deleted) : text);
}

async function preview(client: ApiClient, body: CreateScheduleBody, options: Json, here: Here): Promise<void> {
  const told = await asked(() => client.previewSchedule(body));
  here.output.out(options.json === true ? JSON.stringify(told) : previewText(told));
}

function tell(schedule: ScheduleResource, options: Json, here: Here): void {
  const text = () => schedulesText([schedule], styleOf(here.output.stdout));
  here.output.out(options.json === true ? JSON.stringify(schedule) : text());
}

async function clientHere(here: Here): Promise<ApiClient> {
  const stack = await here.stacks.find(dsxHome(here.env));
  if (stack !== undefined) return clientOf(stack);
  const message = 'no stack is up, and schedules start scans only while one is; start one with: dsx up';
  throw new CliError('failed', 'no_stack', message);
}

function runsArgument(text: string): number {
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A whole number from 1 to 999.');
}
