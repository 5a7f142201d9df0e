import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ApiClient } from '../../api/client.ts';
import type { KeyResource, NewKeyAnswer } from '../../api/contract.ts';
import { parseSeconds } from '../../domain/duration.ts';
import { ROLES, type Role } from '../../domain/role.ts';
import { CliError } from '../errors.ts';
import { dsxHome } from '../home.ts';
import { asked } from '../job/follow.ts';
import { clientOf } from '../job/occasion.ts';
import { connectorKeyText, keysText, newKeyNote } from '../render/access.ts';
import { visible } from '../render/names.ts';
import { createOutput } from '../render/output.ts';
import { styleOf } from '../render/style.ts';
import { stacks } from '../stack/stacks.ts';
import type { Here } from './quarantine.ts';

interface KeyOptions {
  readonly role: Role;
  readonly expires?: string;
  readonly grace?: number;
  readonly json?: boolean;
}
interface RotateOptions extends Omit<KeyOptions, 'role'> {
  readonly connector?: string;
}
type At = Pick<Here, 'stacks' | 'env' | 'output'>;

export function register(program: Command): void {
  const here = (): At => ({ stacks, env: process.env, output: createOutput() });
  const json = () => new Option('--json', 'one JSON object');
  const expires = () =>
    new Option('--expires <when>', 'a length of time, as 90d, or an ISO 8601 time').argParser(endOf);
  const key = program.command('key').description('make, list and end keys of the API');
  key
    .command('create')
    .description('make a key, and print it: nothing shows it again')
    .argument('<name>', 'what its actions are recorded under, as key:NAME')
    .addOption(new Option('--role <role>', 'what it may do').choices([...ROLES]).makeOptionMandatory())
    .addOption(expires())
    .addOption(json())
    .action((name: string, options: KeyOptions) => createKey(name, options, here()));
  key
    .command('list')
    .description('list all keys that were ever made; never the keys themselves')
    .addOption(json())
    .action((options: { json?: boolean }) => listKeys(options, here()));
  key
    .command('rotate')
    .description('make a key with the name and role of another one, which ends after a while')
    .argument('[key]', 'its id, or its name where one key alone has it')
    .option('--connector <uuid>', 'instead: the key that this remote connector signs with')
    .addOption(
      new Option('--grace <time>', 'the old key goes on so long, as 1h; default 1d, of a connector 10m').argParser(
        graceOf,
      ),
    )
    .addOption(expires())
    .addOption(json())
    .action((named: string | undefined, options: RotateOptions) => rotate(named, options, here()));
  key
    .command('revoke')
    .description('end a key: within five seconds no server takes it any more')
    .argument('<key>', 'its id, or its name where one key alone has it')
    .addOption(json())
    .action((named: string, options: { json?: boolean }) => revokeKey(named, options, here()));
}

/** Makes a key: the key alone on stdout, the rest on stderr. @throws CliError */
export async function createKey(name: string, options: KeyOptions, at: At): Promise<void> {
  const client = await upClient(at);
  const { role, expires } = options;
  const body = { name, role, ...(expires !== undefined && { expiresAt: expires }) };
  show(await asked(() => client.createKey(body)), options, at);
}

/** @throws CliError */
export async function listKeys(options: { json?: boolean }, at: At): Promise<void> {
  const client = await upClient(at);
  const { keys } = await asked(() => client.keys());
  at.output.out(options.json === true ? JSON.stringify({ keys }) : keysText(keys, styleOf(at.output.stdout)));
}

/** A key of the API, or of a remote connector: one of the two is named. @throws CliError */
export async function rotate(named: string | undefined, options: RotateOptions, at: At): Promise<void> {
  const { connector, expires } = options;
  if ((named === undefined) === (connector === undefined)) {
    throw new CliError('usage', 'bad_key', 'name a key of the API, or a remote connector with --connector UUID');
  }
  if (named !== undefined) return await rotateKey(named, options, at);
  if (expires !== undefined) {
    throw new CliError('usage', 'bad_key', 'the key of a connector has no end of its own: leave out --expires');
  }
  await rotateConnectorKey(connector as string, options, at);
}

/** @throws CliError */
export async function rotateConnectorKey(connector: string, options: RotateOptions, at: At): Promise<void> {
  const client = await upClient(at);
  const { grace, json } = options;
  const answer = await asked(() =>
    client.rotateConnectorKey(connector, grace === undefined ? {} : { graceSeconds: grace }),
  );
  at.output.out(json === true ? JSON.stringify(answer) : connectorKeyText(answer));
}

/** @throws CliError */
export async function rotateKey(named: string, options: Omit<KeyOptions, 'role'>, at: At): Promise<void> {
  const client = await upClient(at);
  const { id } = await findKey(client, named);
  const { grace, expires } = options;
  const body = {
    ...(grace !== undefined && { graceSeconds: grace }),
    ...(expires !== undefined && { expiresAt: expires }),
  };
  show(await asked(() => client.rotateKey(id, body)), options, at);
}

/** @throws CliError */
export async function revokeKey(named: string, options: { json?: boolean }, at: At): Promise<void> {
  const client = await upClient(at);
  const { id } = await findKey(client, named);
  const revoked = await asked(() => client.revokeKey(id));
  if (options.json === true) at.output.out(JSON.stringify(revoked));
  else at.output.out(`key ${id} of ${visible(revoked.name)} is revoked`);
}

function show(answer: NewKeyAnswer, { json }: { readonly json?: boolean }, { output }: At): void {
  if (json === true) output.out(JSON.stringify(answer));
  else {
    output.out(answer.key);
    output.err(newKeyNote(answer));
  }
}

export async function upClient({ stacks: known, env }: Pick<At, 'stacks' | 'env'>): Promise<ApiClient> {
  const stack = await known.find(dsxHome(env));
  if (stack !== undefined) return clientOf(stack);
  throw new CliError('usage', 'no_stack', 'no stack is up; start one with: dsx up');
}

async function findKey(client: ApiClient, named: string): Promise<KeyResource> {
  const { keys } = await asked(() => client.keys());
  const byId = keys.find(({ id }) => id === named);
  const byName = keys.filter(({ name, state }) => name === named && state === 'live');
  const found = byId ?? (byName.length === 1 ? byName[0] : undefined);
  if (found !== undefined) return found;
  const why = byName.length > 1 ? `${byName.length} live keys are named` : 'no live key has the id or name';
  throw new CliError('usage', 'no_such_key', `${why} ${visible(named)}; name one by its id: dsx key list`);
}

function endOf(text: string): string {
  const seconds = parseSeconds(text);
  if (seconds !== undefined) return new Date(Date.now() + seconds * 1000).toISOString();
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time))
    throw new InvalidArgumentError('A length of time, as 90d, or a time, as 2027-01-01T00:00:00Z.');
  return new Date(time).toISOString();
}

function graceOf(text: string): number {
  const seconds = text.trim() === '0' ? 0 : parseSeconds(text);
  if (seconds === undefined) throw new InvalidArgumentError('A length of time, as 1h, or 0.');
  return seconds;
}
