import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { commonShape } from '../../config/connectors/common.ts';
import { HOST_FIELDS, KINDS, SECRET_FIELDS, serviceAt } from '../../config/connectors/connectors.ts';
import { PULL_SHAPES } from '../../config/connectors/watch/pull.ts';
import { WEBHOOK_SHAPES } from '../../config/connectors/watch/webhook.ts';

interface Field {
  readonly kind: string;
  readonly path: readonly string[];
  readonly schema: z.ZodType;
}

function fieldsBelow(kind: string, path: readonly string[], shape: Readonly<Record<string, z.ZodType>>): Field[] {
  return Object.entries(shape).map(([name, schema]) => ({ kind, path: [...path, name], schema }));
}

/** Every field that a definition can have, `watch` with all that is below it. */
const FIELDS: readonly Field[] = Object.entries(KINDS).flatMap(([kind, { shape }]) => [
  ...fieldsBelow(kind, [], { ...shape, ...commonShape }).filter(({ path }) => path[0] !== 'watch'),
  ...Object.entries(PULL_SHAPES).flatMap(([source, fields]) => fieldsBelow(kind, ['watch', 'pull', source], fields)),
  ...Object.values(WEBHOOK_SHAPES).flatMap((fields) => fieldsBelow(kind, ['watch', 'webhook'], fields)),
]);
const nameOf = ({ path }: Field) => path.at(-1) ?? '';
const takes = ({ schema }: Field, text: string) => schema.safeParse(text).success;
const names = (fields: readonly Field[]) => [...new Set(fields.map(({ path }) => path.join('.')))].sort();

/** A field that is new is thought about: does it name a secret, something of the workers' hosts, an address? */
describe('every field of a definition', () => {
  const plain = FIELDS.filter((field) => !SECRET_FIELDS.has(nameOf(field)) && !HOST_FIELDS.has(nameOf(field)));
  const free = plain.filter(({ kind, path }) => serviceAt(kind, path) === undefined);

  it('that takes an address is known to be asked, or is not asked', () => {
    expect(FIELDS.length).toBeGreaterThan(150);
    const addresses = ['http://169.254.169.254/x', 'https://169.254.169.254', '169.254.169.254:80', '169.254.169.254'];
    const open = free.filter((field) => addresses.some((address) => takes(field, address)));
    const known = [
      // Places within a storage, and parts of a path below an address of the vendor.
      ...['asset', 'hostname', 'library', 'quarantine', 'sitePath', 'tenantId', 'clientId', 'projectId'],
      // Text that is compared, or told.
      ...['filter', 'roleSessionName', 'watch.webhook.audience', 'watch.webhook.issuer', 'watch.webhook.tenantId'],
      // Called by Graph, which is told of it.
      'watch.webhook.url',
    ];
    expect(names(open)).toEqual(known.sort());
    expect(
      names(free.filter(({ path }) => /url|uri|host$|endpoint|suffix|address|server|proxy/i.test(path.at(-1) ?? ''))),
    ).toEqual(['watch.webhook.url']);
  });

  it('that takes a file is known to be of a host, or is a place within a storage', () => {
    const open = free.filter((field) => takes(field, '/etc/shadow') && field.kind !== 'filesystem');
    expect(names(open).filter((name) => !['asset', 'quarantine'].includes(name))).toEqual(
      ['filter', 'library', 'sitePath', 'watch.webhook.audience', 'watch.webhook.issuer'].sort(),
    );
    expect(names(free.filter(({ path }) => /file|profile|folder|command|exec/i.test(path.at(-1) ?? '')))).toEqual([]);
  });

  it('that sounds like a secret is one', () => {
    const sounds = /secret|password|token|credential|certificate|connectionstring|sas$|key/i;
    expect(names(free.filter((field) => sounds.test(nameOf(field))))).toEqual([]);
    for (const { kind, path } of FIELDS.filter((field) => SECRET_FIELDS.has(nameOf(field)))) {
      expect([path, serviceAt(kind, path)]).toEqual([path, undefined]);
    }
  });

  it('has an old name that is held to the same', () => {
    for (const [kind, { aliases, local = [], addresses = {}, secrets }] of Object.entries(KINDS)) {
      for (const [alias, field] of Object.entries(aliases)) {
        expect([alias, HOST_FIELDS.has(alias)]).toEqual([alias, local.includes(field)]);
        expect([alias, SECRET_FIELDS.has(alias)]).toEqual([alias, secrets.includes(field)]);
        expect([alias, serviceAt(kind, [alias])]).toEqual([alias, addresses[field]]);
      }
    }
  });
});
