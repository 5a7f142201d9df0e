import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { parse, YAMLParseError } from 'yaml';
import { messageOf } from '../../domain/errors.ts';
import { CliError } from '../errors.ts';

/** What `dsx connector create` and `edit` take for the fields of a connector. */
export interface FieldOptions {
  readonly file?: string;
  readonly set?: readonly string[];
  readonly unset?: readonly string[];
}

export type ConnectorFields = Record<string, unknown>;

/** Larger files are refused, in bytes. */
const MAX_BYTES = 1024 * 1024;

export function addFieldOptions(command: Command, unset: boolean): Command {
  const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
  command
    .option('--file <file>', 'its fields, as YAML or JSON, as they stand in dsx-connect.yaml; - is standard input')
    .option(
      '--set <field=value>',
      'one field; within another one with dots, as watch.webhook=…; may be repeated',
      collect,
    );
  if (unset) command.option('--unset <field>', 'leave this field out; may be repeated', collect);
  return command;
}

/** The fields before, changed as the options say. @throws CliError `usage` */
export function changedFields(before: ConnectorFields, { file, set = [], unset = [] }: FieldOptions): ConnectorFields {
  const fields = file === undefined ? structuredClone(before) : { ...fromFile(file) };
  for (const one of set) {
    const at = one.indexOf('=');
    if (at < 1) throw usage(`--set ${one}: write it as field=value`);
    put(fields, one.slice(0, at).split('.'), value(one.slice(at + 1), one));
  }
  for (const one of unset) take(fields, one.split('.'));
  return fields;
}

function fromFile(file: string): ConnectorFields {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw usage(`--file ${file}: ${messageOf(error)}`);
  }
  if (Buffer.byteLength(text) > MAX_BYTES) throw usage(`--file ${file}: it is larger than ${MAX_BYTES} bytes`);
  const read = parsed(text, `--file ${file}`);
  // One entry of a list, as it stands in dsx-connect.yaml, is meant as it is.
  const entry = Array.isArray(read) && read.length === 1 ? read[0] : read;
  if (typeof entry === 'object' && entry !== null && !Array.isArray(entry)) return entry as ConnectorFields;
  throw usage(`--file ${file}: it must hold the fields of one connector`);
}

/** Text as it stands; what begins as a list or a set of fields does, `[a, b]` or `{a: b}`, is read as such. */
function value(text: string, option: string): unknown {
  return /^[[{]/.test(text) ? parsed(text, `--set ${option}`) : text;
}

function parsed(text: string, what: string): unknown {
  try {
    return parse(text) as unknown;
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    throw usage(`${what}: it is not YAML: ${error.message.split('\n')[0]}`);
  }
}

function put(fields: ConnectorFields, [first = '', ...rest]: readonly string[], given: unknown): void {
  if (rest.length === 0) {
    fields[first] = given;
    return;
  }
  const inner = fields[first];
  const below = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? { ...inner } : {};
  put(below as ConnectorFields, rest, given);
  fields[first] = below;
}

function take(fields: ConnectorFields, [first = '', ...rest]: readonly string[]): void {
  if (!(first in fields)) throw usage(`--unset ${[first, ...rest].join('.')}: it is not set`);
  if (rest.length === 0) {
    delete fields[first];
    return;
  }
  const inner = { ...(fields[first] as ConnectorFields) };
  take(inner, rest);
  fields[first] = inner;
}

function usage(message: string): CliError {
  return new CliError('usage', 'usage', message);
}
