import fc from 'fast-check';
import { expect, it } from 'vitest';
import { commonShape } from '../../config/connectors/common.ts';
import { KINDS } from '../../config/connectors/connectors.ts';
import { connectorFrom } from '../../config/connectors/definition.ts';
import { PULL_SHAPES } from '../../config/connectors/watch/pull.ts';
import { WEBHOOK_SHAPES } from '../../config/connectors/watch/webhook.ts';
import type { ConnectorDefinition } from '../../domain/connector-entry.ts';

const FIELDS = [
  ...new Set([
    ...Object.values(KINDS).flatMap(({ shape, aliases, retired }) => [shape, aliases, retired].flatMap(Object.keys)),
    ...[commonShape, ...Object.values(PULL_SHAPES), ...Object.values(WEBHOOK_SHAPES)].flatMap(Object.keys),
    ...['sqs', 'pubsub', 'storage-queue', 'webhook', 'pull', 'source', '__proto__', 'constructor', '0', ''],
  ]),
];
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '$' + '{DSX_SECRET_A}',
    'http://[',
    'https://s3.amazonaws.com',
    '\ud800',
    's3://',
    '/',
    'sqs',
    'signed',
    'graph',
    'a@b.example',
  ),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, text, fc.integer(), fc.boolean(), fc.constant(null), tie('list'), tie('fields')),
  list: fc.array(tie('value'), { maxLength: 3 }),
  fields: fc.dictionary(fc.constantFrom(...FIELDS), tie('value'), { maxKeys: 5 }),
}));
const definition = fc
  .tuple(
    fc.constantFrom(...Object.keys(KINDS), 'ftp'),
    fc.dictionary(fc.constantFrom(...FIELDS), value, { maxKeys: 8 }),
  )
  .map(
    ([kind, fields]) =>
      JSON.parse(JSON.stringify({ id: 'odd', kind, asset: 'uploads', ...fields })) as ConnectorDefinition,
  );

it('says what is wrong with any definition, and throws for none', () => {
  fc.assert(
    fc.property(definition, (given) => {
      const read = connectorFrom(given, { secrets: {}, allowed: [], local: false });
      if ('connector' in read) return;
      expect(read.faults.length).toBeGreaterThan(0);
      for (const { field, message } of read.faults)
        expect([typeof field, message.length > 0]).toEqual(['string', true]);
    }),
    { numRuns: 3_000 },
  );
});
