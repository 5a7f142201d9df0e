import { beforeEach, describe, expect, it } from 'vitest';
import type { ActionRow } from '../../domain/action.ts';
import type { Order } from '../../domain/approval.ts';
import { type Ledger, openLedgerStore } from '../../ledger/ledger.ts';
import { pageQuarantine } from '../../ledger/quarantine.ts';
import { restorable } from '../../ledger/restores.ts';
import type { JobHeader } from '../../ledger/types.ts';
import { movedRow, writeActed } from './acted-fixture.ts';
import { headerOf } from './fixture.ts';
import { createMemoryStore } from './memory-store.ts';

let ledger: Ledger;
beforeEach(async () => {
  ledger = await openLedgerStore(createMemoryStore());
});

const at = (minute: number): string => `2026-11-23T09:${String(minute).padStart(2, '0')}:00.000Z`;

const job = (id: string, minute: number, rows: readonly ActionRow[], changes: Partial<JobHeader> = {}) =>
  writeActed(ledger, id, at(minute), rows, changes);
const row = (found: string, i: number, minute: number, more: Partial<ActionRow> = {}): ActionRow =>
  movedRow(found, i, at(minute), more);
const ordered = (why: Order['why'], of: string): Partial<JobHeader> => ({
  kind: 'apply',
  order: { why, job: of, by: 'ann', at: at(0) },
});
async function restored(id: string, of: string, minute: number, rows: readonly ActionRow[]) {
  await ledger.noteRestore(rows[0]?.finding.split('/')[0] ?? of, id);
  await job(id, minute, rows, ordered('restore', of));
}
const back = (found: string, i: number, minute: number, more: Partial<ActionRow> = {}): ActionRow => {
  const { undo: _, ...head } = row(found, i, minute);
  return { ...head, action: 'restore', ...more };
};

async function listed(limit = 1000, source?: string): Promise<string[]> {
  const found: string[] = [];
  let after: string | undefined;
  do {
    const place = { ...(after !== undefined && { after }), ...(source !== undefined && { source }) };
    const page = await pageQuarantine(ledger, { limit, ...place });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    found.push(...page.items.map((one) => `${one.job} ${one.row.location}`));
    after = page.next;
  } while (after !== undefined);
  return found;
}

describe('what is in quarantine', () => {
  it('is what was moved, newest job first, however it is paged; of one source if asked', async () => {
    await job('old', 1, [row('old', 0, 1), row('old', 1, 1, { state: 'failed' }), row('old', 2, 1)]);
    await job('new', 2, [row('new', 0, 2), row('new', 1, 2), row('new', 2, 2, { action: 'delete' })]);
    await job('dry', 3, [], { settings: { ...headerOf('dry').settings, action: 'move', dryRun: true } });
    await job('other', 4, [row('other', 5, 4)], { source: { kind: 'connector', id: 'share' } });
    const all = ['other bad-5', 'new bad-0', 'new bad-1', 'old bad-0', 'old bad-2'];
    for (const limit of [1, 2, 3, 5, 1000]) expect(await listed(limit)).toEqual(all);
    expect(await listed(1, 'share')).toEqual(['other bad-5']);
    expect(await listed(2, 'folder-1')).toEqual(all.slice(1));
    expect(await listed(2, 'nowhere')).toEqual([]);
  });

  it('is without what was put back since, and with what could not be', async () => {
    await job('scan', 1, [row('scan', 0, 1), row('scan', 1, 1), row('scan', 2, 1)]);
    const taken = { state: 'failed', code: 'destination_taken' } as const;
    await restored('back', 'scan', 5, [back('scan', 0, 5), back('scan', 1, 5, taken)]);
    expect(await listed()).toEqual(['scan bad-1', 'scan bad-2']);
    const left: string[] = [];
    for await (const { location } of restorable(ledger, 'scan', undefined)) left.push(location);
    expect(left).toEqual(['bad-1', 'bad-2']);
  });

  it('names a move once, by the last job that tells of it, also when that was moved and put back before', async () => {
    await job('plan', 1, [], { settings: { ...headerOf('plan').settings, action: 'move', dryRun: true } });
    await job('first', 2, [row('plan', 0, 2), row('plan', 1, 2)], ordered('planned', 'plan'));
    await job('again', 3, [row('plan', 0, 3, { code: 'already_applied' })], ordered('planned', 'plan'));
    expect(await listed()).toEqual(['again bad-0', 'first bad-1']);
    await restored('back', 'first', 4, [back('plan', 0, 4), back('plan', 1, 4)]);
    expect(await listed()).toEqual([]);
    await job('third', 5, [row('plan', 1, 6)], ordered('approved', 'first'));
    expect(await listed()).toEqual(['third bad-1']);
  });

  it('goes on past a ledger that is damaged, and refuses places that are none', async () => {
    await job('whole', 1, [row('whole', 0, 1), row('whole', 1, 1)]);
    await ledger.job('broken').writeHeader({ ...headerOf('broken', { action: 'move' }), startedAt: at(2) });
    expect(await listed()).toEqual(['whole bad-0', 'whole bad-1']);
    const { next = '' } = await pageQuarantine(ledger, { limit: 1 });
    for (const query of [{ after: 'x' }, { after: next, source: 'share' }, { after: 'eyJ9' }]) {
      await expect(pageQuarantine(ledger, { limit: 1, ...query })).rejects.toMatchObject({ code: 'invalid' });
    }
  });
});
