import type { Command } from 'commander';
import { stringify } from 'yaml';
import type { ApiClient } from '../../api/client.ts';
import type { ConnectorDetail, CreateConnectorBody, ReplaceConnectorBody } from '../../api/contract.ts';
import { CliError } from '../errors.ts';
import { dsxHome } from '../home.ts';
import { addFieldOptions, changedFields, type FieldOptions } from '../job/connector-fields.ts';
import { asked } from '../job/follow.ts';
import { clientOf } from '../job/occasion.ts';
import { visible } from '../render/names.ts';
import { createOutput } from '../render/output.ts';
import { connectorsTable } from '../render/storage.ts';
import { styleOf } from '../render/style.ts';
import { stacks } from '../stack/stacks.ts';
import type { Surroundings } from './scan.ts';

type Here = Pick<Surroundings, 'stacks' | 'env' | 'output'>;
interface Json {
  readonly json?: boolean;
}
interface CreateOptions extends FieldOptions, Json {
  readonly kind?: string;
}

const ID = ['<id>', 'its name, as dsx connectors lists it'] as const;
const JSON_OPTION = ['--json', 'one JSON object'] as const;

export function register(program: Command): void {
  const connector = program.command('connector').description('make, change and delete connectors of a running stack');
  const here = (): Here => ({ stacks, env: process.env, output: createOutput() });
  addFieldOptions(
    connector
      .command('create')
      .description('make a connector; secrets are named: they are variables DSX_SECRET_… of the workers')
      .argument('<id>', 'its name: lower-case letters, digits and hyphens')
      .option('--kind <kind>', 'filesystem, aws_s3, azure_blob_storage, google_cloud_storage, sharepoint or onedrive'),
    false,
  )
    .option(...JSON_OPTION)
    .action((id: string, options: CreateOptions) => create(id, options, here()));
  connector
    .command('show')
    .description('show a connector, and of one that was made through the API all of its fields')
    .argument(...ID)
    .option(...JSON_OPTION)
    .action((id: string, options: Json) => show(id, options, here()));
  addFieldOptions(
    connector
      .command('edit')
      .description('change a connector; what is not named stays as it is, with --file nothing does')
      .argument(...ID),
    true,
  )
    .option(...JSON_OPTION)
    .action((id: string, options: CreateOptions) => edit(id, options, here()));
  connector
    .command('delete')
    .description('delete a connector that nothing scans; what was scanned and moved stays as it is')
    .argument(...ID)
    .option(...JSON_OPTION)
    .action((id: string, options: Json) => remove(id, options, here()));
}

/** Makes a connector. @throws CliError, as all below */
export async function create(id: string, options: CreateOptions, here: Here): Promise<void> {
  const client = await clientHere(here);
  const fields = changedFields({}, options);
  const kind = options.kind ?? fields.kind;
  if (typeof kind !== 'string') throw new CliError('usage', 'usage', 'name its kind with --kind, or in the file');
  if (fields.id !== undefined && fields.id !== id) {
    throw new CliError('usage', 'usage', `the fields are about ${visible(String(fields.id))}, not ${id}`);
  }
  tell(await asked(() => client.createConnector({ ...fields, id, kind } as CreateConnectorBody)), options, here);
}

export async function show(id: string, options: Json, here: Here): Promise<void> {
  const client = await clientHere(here);
  const found = await asked(() => client.connector(id));
  if (options.json === true) here.output.out(JSON.stringify(found));
  else here.output.out(shown(found, here));
}

/** Changes the revision that it reads: a change by somebody else in between is refused (`connector_changed`). */
export async function edit(id: string, options: FieldOptions & Json, here: Here): Promise<void> {
  const client = await clientHere(here);
  const { definition, revision } = await asked(() => client.connector(id));
  if (definition === undefined || revision === undefined) {
    const message = `connector ${id} was not made through the API: change it where it is configured`;
    throw new CliError('failed', 'connector_managed', message);
  }
  const { id: _, ...before } = definition;
  const { id: named = id, ...fields } = changedFields(before, options);
  if (named !== id) throw new CliError('usage', 'usage', `the fields are about ${visible(String(named))}, not ${id}`);
  tell(await asked(() => client.replaceConnector(id, { ...fields, revision } as ReplaceConnectorBody)), options, here);
}

export async function remove(id: string, options: Json, here: Here): Promise<void> {
  const client = await clientHere(here);
  const deleted = await asked(() => client.deleteConnector(id));
  here.output.out(options.json === true ? JSON.stringify(deleted) : `connector ${id} is deleted`);
}

function tell(connector: ConnectorDetail, options: Json, here: Here): void {
  const text = () =>
    `${connectorsTable([connector], styleOf(here.output.stdout))}\ntry it with: dsx check ${connector.id}`;
  here.output.out(options.json === true ? JSON.stringify(connector) : text());
}

function shown(found: ConnectorDetail, here: Here): string {
  const table = connectorsTable([found], styleOf(here.output.stdout));
  if (found.definition === undefined) return table;
  const { revision, createdAt, createdBy, updatedAt = createdAt, updatedBy = createdBy } = found;
  const fields = stringify(found.definition).trimEnd().split('\n').map(visible).join('\n');
  return `${table}\nrevision ${revision}, ${updatedAt} by ${visible(updatedBy ?? '')}\n\n${fields}`;
}

async function clientHere(here: Here): Promise<ApiClient> {
  const stack = await here.stacks.find(dsxHome(here.env));
  if (stack !== undefined) return clientOf(stack);
  const message =
    'no stack is up, and connectors are made through its API; start one with: dsx up, or write them into dsx-connect.yaml';
  throw new CliError('failed', 'no_stack', message);
}
