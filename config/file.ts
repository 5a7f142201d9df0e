import path from 'node:path';
import { z } from 'zod';
import type { SchedulePlan } from '../domain/schedule/schedule.ts';
import { type ConnectorSettings, connectorSchema, fieldsOf, SECRET_FIELDS } from './connectors/connectors.ts';
import { missingSecrets } from './connectors/secret-field.ts';
import { webhookFields, webhooksFor } from './connectors/watch/webhook.ts';
import type { ConfigProblem } from './errors.ts';
import { integer, onOff, scannerOrigin } from './fields.ts';
import { nearest } from './nearest.ts';
import { SINK_SECRETS, type SinkSettings, sinkFields, sinkOf, sinkSchema } from './results.ts';
import { scheduleFieldsAt, scheduleSchema } from './schedules.ts';
import { tlsProblems } from './tls.ts';
import { type FieldPath, readYaml, type YamlFile } from './yaml.ts';

/** `scanner:` of the file. Its paths are absolute here: a relative one starts at the file's folder. */
export interface FileScanner {
  readonly url: string;
  readonly tokenFile?: string;
  readonly protectedEntity?: number;
  readonly caFile?: string;
  readonly metadata?: boolean;
}

export interface ConfigFile {
  readonly connectors: readonly ConnectorSettings[];
  readonly scanner?: FileScanner;
  /** Where results are sent. */
  readonly results?: readonly SinkSettings[];
  readonly schedules?: readonly SchedulePlan[];
}

const asFields = { error: 'must be a set of fields, each with a colon' };
const filePath = z.string({ error: 'must be a path' }).min(1, { error: 'must be a path' });

const scannerSchema = z.strictObject(
  {
    url: scannerOrigin,
    tokenFile: filePath.optional(),
    protectedEntity: integer(1, Number.MAX_SAFE_INTEGER).optional(),
    caFile: filePath.optional(),
    metadata: onOff.optional(),
  },
  asFields,
);

/** The root of dsx-connect.yaml. */
export const fileSchema = z.strictObject(
  {
    connectors: z.array(connectorSchema, { error: 'must be a list, each entry with a hyphen' }).nullish(),
    scanner: scannerSchema.nullish(),
    results: z.array(sinkSchema, { error: 'must be a list, each entry with a hyphen' }).nullish(),
    schedules: z.array(scheduleSchema, { error: 'must be a list, each entry with a hyphen' }).nullish(),
  },
  asFields,
);

/**
 * Reads and checks dsx-connect.yaml. With any problem, nothing of it is used.
 * @param opens which connectors this process opens, and needs the secrets of
 * @param hears whether sources call this process: it then needs the secrets of all webhooks
 */
export function loadConfigFile(
  file: string,
  env: NodeJS.ProcessEnv,
  opens: (connector: ConnectorSettings) => boolean,
  hears = false,
): { config: ConfigFile; problems: ConfigProblem[] } {
  const none: ConfigFile = { connectors: [] };
  const yaml = readYaml(file, env, new Set([...SECRET_FIELDS, ...SINK_SECRETS]));
  if (!('value' in yaml)) return { config: none, problems: [...yaml] };
  const parsed = fileSchema.safeParse(yaml.value ?? {});
  if (!parsed.success) {
    return { config: none, problems: parsed.error.issues.flatMap((issue) => fromIssue(issue, yaml, file)) };
  }
  const connectors = parsed.data.connectors ?? [];
  const schedules = parsed.data.schedules ?? [];
  const from = path.dirname(path.resolve(file));
  const results = (parsed.data.results ?? []).map((sink) => sinkOf(sink, from));
  const { scanner } = parsed.data;
  const problems = [
    ...duplicates('connectors', connectors, yaml, file),
    ...duplicates('results', results, yaml, file),
    ...duplicates('schedules', schedules, yaml, file),
    ...unbound(schedules, connectors, yaml, file),
    ...unset(connectors, { opens, hears }, yaml, file),
    ...results.flatMap((sink, index) => {
      const at = (field: string) => ({
        file,
        line: yaml.lineOf(['results', index, field]),
        field: `results[${index}].${field}`,
      });
      return tlsProblems(sink.tls, { certFile: at('certFile'), keyFile: at('keyFile'), caFile: at('caFile') });
    }),
  ];
  return {
    config: {
      connectors,
      schedules,
      ...(scanner != null && { scanner: absolute(scanner, from) }),
      ...(results.length > 0 && { results }),
    },
    problems,
  };
}

function absolute({ tokenFile, caFile, ...rest }: z.output<typeof scannerSchema>, from: string): FileScanner {
  return {
    ...rest,
    ...(tokenFile !== undefined && { tokenFile: path.resolve(from, tokenFile) }),
    ...(caFile !== undefined && { caFile: path.resolve(from, caFile) }),
  };
}

function duplicates(
  list: 'connectors' | 'results' | 'schedules',
  entries: readonly { readonly id: string }[],
  yaml: YamlFile,
  file: string,
): ConfigProblem[] {
  const seen = new Map<string, number>();
  const what = { connectors: 'connector', results: 'sink', schedules: 'schedule' }[list];
  return entries.flatMap(({ id }, index) => {
    const first = seen.get(id);
    if (first === undefined) {
      seen.set(id, index);
      return [];
    }
    const field = [list, index, 'id'];
    const line = yaml.lineOf([list, first, 'id']);
    const text = `${id} is already the id of the ${what} in line ${line}; choose another`;
    return [{ code: 'duplicate_id' as const, file, line: yaml.lineOf(field), field: fieldName(field), text }];
  });
}

/** Schedules of connectors that the file does not have. */
function unbound(
  schedules: readonly SchedulePlan[],
  connectors: readonly ConnectorSettings[],
  yaml: YamlFile,
  file: string,
): ConfigProblem[] {
  const known = connectors.map(({ id }) => id);
  return schedules.flatMap(({ connector }, index) => {
    if (known.includes(connector)) return [];
    const like = nearest(connector, known);
    const there = known.length === 0 ? 'there is none under connectors:' : `there are ${known.join(', ')}`;
    const text = `${connector} is no connector; ${like?.alike ? `did you mean ${like.word}?` : there}`;
    const field = ['schedules', index, 'connector'];
    return [{ code: 'invalid_value' as const, file, line: yaml.lineOf(field), field: fieldName(field), text }];
  });
}

function unset(
  connectors: readonly ConnectorSettings[],
  { opens, hears }: { opens: (connector: ConnectorSettings) => boolean; hears: boolean },
  yaml: YamlFile,
  file: string,
): ConfigProblem[] {
  return connectors.flatMap((connector, index) => {
    const { watch, ...own } = connector;
    const { webhook, ...rest } = watch ?? {};
    const opened = opens(connector) ? missingSecrets({ ...own, rest, webhook: webhooksFor('worker', webhook) }) : [];
    const heard = hears ? missingSecrets(webhooksFor('api', webhook)) : [];
    const where = hears ? 'the API runs' : 'the workers of this connector run';
    return [...opened, ...heard].map(({ field, variable }) => {
      const place = ['connectors', index, field];
      const text = `refers to \${${variable}}, which is not set; set the variable where ${where}`;
      return { code: 'missing_reference' as const, file, line: yaml.lineOf(place), field: fieldName(place), text };
    });
  });
}

function fromIssue(issue: z.core.$ZodIssue, yaml: YamlFile, file: string): ConfigProblem[] {
  const { path: field } = issue;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      code: 'unknown_key',
      file,
      line: yaml.lineOfKey(field, key),
      field: fieldName([...field, key]),
      text: unknownText(key, keysAt(field, yaml)),
    }));
  }
  const place = { file, line: yaml.lineOf(field), ...(field.length > 0 && { field: fieldName(field) }) };
  if (!yaml.has(field)) return [{ code: 'missing_value', ...place, text: `is missing; it ${issue.message}` }];
  return [{ code: 'invalid_value', ...place, text: issue.message }];
}

function unknownText(key: string, known: readonly string[]): string {
  const like = nearest(key, known);
  return `is not a field; ${like?.alike ? `did you mean ${like.word}?` : `there are ${known.join(', ')}`}`;
}

/** The fields that there are at a place: of the root, of a connector or of the scanner. */
function keysAt(field: FieldPath, yaml: YamlFile): readonly string[] {
  if (field.length === 0) return Object.keys(fileSchema.shape);
  if (field[2] === 'watch' && field[3] === 'webhook') return webhookFields(yaml.at([...field.slice(0, 5), 'source']));
  if (field[0] === 'results') return sinkFields(yaml.at([...field.slice(0, 2), 'kind']));
  if (field[0] === 'schedules') return scheduleFieldsAt(field.slice(2));
  return field[0] === 'connectors'
    ? fieldsOf(yaml.at([...field.slice(0, 2), 'kind']))
    : Object.keys(scannerSchema.shape);
}

function fieldName(field: FieldPath): string {
  return field
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${String(part)}`))
    .join('');
}
