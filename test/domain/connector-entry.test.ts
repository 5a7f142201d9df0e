import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ConnectorChange, type ConnectorEntry, changedConnector } from '../../domain/connector-entry.ts';

const NOW = Date.parse('2026-11-23T09:00:00Z');
const definition = { id: 'share', kind: 'filesystem', asset: '/srv' };
const create = { kind: 'create', id: 'share', actor: 'ann', definition, local: false } as const;

function entryOf(changed: ReturnType<typeof changedConnector>): ConnectorEntry {
  if ('entry' in changed) return changed.entry;
  throw new Error(`refused: ${changed.refused}`);
}

describe('the change of a connector', () => {
  it('is made for the revision that was seen', () => {
    const made = entryOf(changedConnector(undefined, create, NOW));
    expect(made).toMatchObject({ revision: 1, createdBy: 'ann', by: 'ann', deleted: false, definition });
    expect(changedConnector(made, create, NOW)).toEqual({ refused: 'exists' });
    const other = { ...definition, asset: '/other' };
    const replace = { kind: 'replace', id: 'share', actor: 'bob', definition: other, local: true } as const;
    const replaced = entryOf(changedConnector(made, { ...replace, revision: 1 }, NOW + 1));
    expect(replaced).toMatchObject({ revision: 2, createdBy: 'ann', by: 'bob', local: true, definition: other });
    expect(changedConnector(replaced, { ...replace, revision: 1 }, NOW)).toEqual({ refused: 'changed', revision: 2 });
  });

  it('goes on counting where an id is used again', () => {
    const made = entryOf(changedConnector(undefined, create, NOW));
    const gone = entryOf(changedConnector(made, { kind: 'delete', id: 'share', actor: 'bob', revision: 1 }, NOW));
    expect(gone).toMatchObject({ revision: 2, deleted: true, definition });
    expect(changedConnector(gone, { kind: 'delete', id: 'share', actor: 'bob' }, NOW)).toEqual({ refused: 'missing' });
    const again = entryOf(changedConnector(gone, { ...create, actor: 'eve' }, NOW + 5));
    expect(again).toMatchObject({ revision: 3, deleted: false, createdBy: 'eve' });
    expect(changedConnector(undefined, { kind: 'delete', id: 'x', actor: 'bob' }, NOW)).toEqual({ refused: 'missing' });
  });

  it('adds one to the revision or is refused, whatever comes in whatever order', () => {
    const change = fc.oneof(
      fc.constant<ConnectorChange>(create),
      fc.nat(6).map(
        (revision): ConnectorChange => ({
          kind: 'replace',
          id: 'share',
          actor: 'bob',
          definition,
          local: false,
          revision,
        }),
      ),
      fc.option(fc.nat(6), { nil: undefined }).map(
        (revision): ConnectorChange => ({
          kind: 'delete',
          id: 'share',
          actor: 'bob',
          ...(revision !== undefined && { revision }),
        }),
      ),
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
        let there: ConnectorEntry | undefined;
        for (const one of changes) {
          const changed = changedConnector(there, one, NOW);
          if (!('entry' in changed)) continue;
          expect(changed.entry.revision).toBe((there?.revision ?? 0) + 1);
          if (one.kind === 'create') expect(there?.deleted ?? true).toBe(true);
          else expect(there?.deleted).toBe(false);
          if (one.kind !== 'create' && one.revision !== undefined) expect(there?.revision).toBe(one.revision);
          there = changed.entry;
        }
      }),
    );
  });
});
