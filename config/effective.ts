import { commonShape } from './connectors/common.ts';
import { KINDS, SECRET_FIELDS } from './connectors/connectors.ts';
import type { Kind } from './connectors/kind.ts';
import { isSecret } from './environment.ts';
import { secretUrl } from './secret.ts';
import { ENVIRONMENT } from './variables.ts';
import { type FieldPath, readYaml, type YamlFile } from './yaml.ts';

/** One setting as it is in force. */
export interface Effective {
  /** The variable, or the field of the file as `connectors[finance].asset`. */
  readonly name: string;
  /** As it was written; a secret is `[redacted]`, a reference of the file stays `${NAME}`. Empty: not set. */
  readonly value: string;
  /** - `default`: nobody set it; `environment` and `env-file`: a variable; `file`: a field of dsx-connect.yaml */
  readonly origin: 'default' | 'environment' | 'env-file' | 'file';
  /** The file and the line, or the `.env` file. */
  readonly where?: string;
  /** The former name under which it was given. */
  readonly alias?: string;
}

const REDACTED = '[redacted]';

/**
 * Every variable of the product, with where its value comes from.
 * @param envFile the `.env` file that gave a variable, if one did
 */
export function effectiveVariables(
  env: Readonly<Record<string, string | undefined>>,
  envFile: (name: string) => string | undefined = () => undefined,
): Effective[] {
  return ENVIRONMENT.map((variable): Effective => {
    const given = [variable.name, ...variable.aliases].find((name) => (env[name] ?? '').trim() !== '');
    if (given === undefined) return { name: variable.name, value: variable.default, origin: 'default' };
    const file = envFile(given);
    return {
      name: variable.name,
      value: shown(variable.name, env[given] ?? ''),
      ...(file === undefined ? { origin: 'environment' } : { origin: 'env-file', where: file }),
      ...(given !== variable.name && { alias: given }),
    };
  });
}

function shown(name: string, value: string): string {
  if (name === 'REDIS_URL' && URL.canParse(value)) return `${secretUrl(value)}`;
  if (isSecret(name)) return REDACTED;
  return withoutUser(value);
}

/** An address without its user, password and query, any of which may be a secret. */
function withoutUser(value: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\/.*[@?]/i.test(value) && URL.canParse(value) ? `${secretUrl(value)}` : value;
}

/** Every field of the file with its line, and of its connectors the fields that have a default. The file must be one that is accepted. */
export function effectiveFields(file: string): Effective[] {
  // Every reference stands for itself, so that nothing of the environment is shown.
  const itself = new Proxy({}, { get: (_, name) => `\${${String(name)}}` }) as NodeJS.ProcessEnv;
  const yaml = readYaml(file, itself, new Set());
  if (!('value' in yaml)) return [];
  return [...leaves(yaml.value, [], yaml, file), ...defaults(yaml.value)];
}

function* leaves(value: unknown, field: FieldPath, yaml: YamlFile, file: string): Generator<Effective> {
  if (typeof value === 'object' && value !== null) {
    for (const [key, part] of Object.entries(value))
      yield* leaves(part, [...field, Array.isArray(value) ? Number(key) : key], yaml, file);
    return;
  }
  const last = String(field.findLast((part) => typeof part === 'string'));
  const known = aliasOf(field, last, yaml);
  const secret = SECRET_FIELDS.has(last) || SECRET_FIELDS.has(known ?? '') || /secret|password|token$/i.test(last);
  const text = String(value);
  yield {
    name: nameOf(known === undefined ? field : [...field.slice(0, -1), known], yaml),
    value: secret && !/^\$\{[^}]+\}$/.test(text) ? REDACTED : withoutUser(text),
    origin: 'file',
    where: `${file}:${yaml.lineOf(field)}`,
    ...(known !== undefined && { alias: last }),
  };
}

function* defaults(value: unknown): Generator<Effective> {
  const connectors = (value as { connectors?: unknown } | null | undefined)?.connectors;
  for (const connector of Array.isArray(connectors) ? (connectors as Record<string, unknown>[]) : []) {
    const kind = kindOf(connector.kind);
    if (kind === undefined) continue;
    for (const [field, schema] of Object.entries({ ...kind.shape, ...commonShape })) {
      const names = [field, ...Object.keys(kind.aliases).filter((alias) => kind.aliases[alias] === field)];
      if (names.some((name) => connector[name] !== undefined)) continue;
      const found = schema.safeParse(undefined);
      if (!found.success || found.data === undefined) continue;
      yield { name: `connectors[${String(connector.id)}].${field}`, value: String(found.data), origin: 'default' };
    }
  }
}

function kindOf(name: unknown): Kind | undefined {
  return Object.hasOwn(KINDS, String(name)) ? KINDS[name as keyof typeof KINDS] : undefined;
}

/** The field that an old name of a connector's field sets. */
function aliasOf(field: FieldPath, last: string, yaml: YamlFile): string | undefined {
  if (field[0] !== 'connectors' || field.length !== 3) return undefined;
  return kindOf(yaml.at([...field.slice(0, 2), 'kind']))?.aliases[last];
}

/** Entries of a list by their id, where they have one. */
function nameOf(field: FieldPath, yaml: YamlFile): string {
  return field
    .map((part, at) => {
      if (typeof part !== 'number') return `${at > 0 ? '.' : ''}${String(part)}`;
      return `[${String(yaml.at([...field.slice(0, at + 1), 'id']) ?? part)}]`;
    })
    .join('');
}
