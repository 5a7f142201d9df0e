import { z } from 'zod';
import { COMMON_ALIASES, commonShape } from './connectors/common.ts';
import { KINDS } from './connectors/connectors.ts';
import type { Kind } from './connectors/kind.ts';
import { fileSchema } from './file.ts';

type Json = Record<string, unknown>;

/** What a field means, for people. `place`: a kind of connector, or the path of the part that the field is in (`scanner`, `results[]`). */
export type Describe = (place: string, field: string) => string | undefined;

/**
 * The JSON Schema (draft 7) of dsx-connect.yaml, for editors: fields, old names of fields, and what is needed. What can be said only in
 * code (filters, rules between fields) is left to `dsx config check`.
 */
export function configSchema(describe: Describe): Json {
  const { connectors: _, ...rest } = fileSchema.shape;
  const root = jsonOf(z.strictObject(rest));
  const properties = root.properties as Record<string, Json>;
  for (const [name, part] of Object.entries(properties)) described(part, name, describe);
  const kinds = Object.entries(KINDS).map(([name, kind]) => ({
    // biome-ignore lint/suspicious/noThenProperty: a word of JSON Schema
    ...{ if: { properties: { kind: { const: name } } }, then: kindSchema(name, kind, describe) },
  }));
  const connector = {
    type: 'object',
    required: ['kind'],
    properties: { kind: { enum: Object.keys(KINDS), description: 'What storage it is.' } },
    allOf: kinds,
  };
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'dsx-connect.yaml',
    ...root,
    properties: {
      connectors: { type: ['array', 'null'], description: 'The storages that can be scanned.', items: connector },
      ...properties,
    },
  };
}

function kindSchema(name: string, kind: Kind, describe: Describe): Json {
  const schema = jsonOf(z.strictObject({ kind: z.literal(name), ...kind.shape, ...commonShape }));
  described(schema, name, describe);
  const properties = schema.properties as Record<string, Json>;
  const aliases: Readonly<Record<string, string>> = { ...COMMON_ALIASES, ...kind.aliases };
  const known = Object.entries(aliases).filter(([, field]) => properties[field] !== undefined);
  for (const [alias, field] of known) {
    properties[alias] = { ...properties[field], description: `The former name of ${field}.` };
  }
  // A field that is needed may be there under an old name.
  const needed = (schema.required ?? []) as string[];
  const names = (field: string) => [field, ...known.filter(([, of]) => of === field).map(([alias]) => alias)];
  return {
    ...schema,
    required: needed.filter((field) => names(field).length === 1),
    allOf: needed
      .filter((field) => names(field).length > 1)
      .map((field) => ({ anyOf: names(field).map((one) => ({ required: [one] })) })),
  };
}

/** As it may be written, not as it is read. */
function jsonOf(schema: z.ZodType): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', target: 'draft-7' });
  return json as Json;
}

/** Puts what its fields mean into a schema, at any depth. */
function described(schema: Json, place: string, describe: Describe): void {
  for (const [field, part] of Object.entries((schema.properties ?? {}) as Record<string, Json>)) {
    const text = describe(place, field);
    if (text !== undefined && part.description === undefined) part.description = text;
    described(part, `${place}.${field}`, describe);
  }
  for (const part of [...((schema.anyOf ?? []) as Json[]), ...((schema.oneOf ?? []) as Json[])])
    described(part, place, describe);
  if (typeof schema.items === 'object' && schema.items !== null)
    described(schema.items as Json, `${place}[]`, describe);
}
