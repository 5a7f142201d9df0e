import { ACTION_STATES, type ActionRow, type ActionState } from '../domain/action.ts';
import { checkLimit, decodeCursor, encodeCursor } from './cursor.ts';
import { LedgerError } from './errors.ts';
import type { JobLedger } from './job-ledger.ts';
import { actionsOf } from './job-view.ts';
import { cachedLines } from './lines-cache.ts';
import { parseItem } from './names.ts';
import { MAX_ROWS } from './outcomes.ts';

/** Segments that one call reads at most; then it answers with what it has, and `next`. They are small. */
const MAX_SEGMENTS = 128;

export interface ActionQuery {
  /** Only actions that are in this state now. */
  readonly state?: ActionState;
  /** Rows, 1 to 1,000. */
  readonly limit: number;
  /** `next` of the page before. */
  readonly after?: string;
}

export interface ActionRows {
  readonly rows: readonly ActionRow[];
  /** Present while there may be more, even when `rows` is short or empty. */
  readonly next?: string;
}

/**
 * The state of the item actions: for each finding its last row, in the order of the commits.
 * @throws LedgerError `invalid` (the query), `corrupt`, `not_found`, `not_readable`, `unavailable`
 */
export async function pageActions(job: JobLedger, query: ActionQuery): Promise<ActionRows> {
  checkLimit(query.limit, MAX_ROWS);
  if (query.state !== undefined && !ACTION_STATES.includes(query.state)) {
    const known = ACTION_STATES.join(', ');
    throw new LedgerError('invalid', 'state', `There is no state ${JSON.stringify(query.state)}; there are ${known}.`);
  }
  const [from = 0, fromLine = 0] = query.after === undefined ? [] : decodeCursor('actions', job.id, 2, query.after);
  const { view, index } = await actionsOf(job);
  const rows: ActionRow[] = [];
  let last: readonly [number, number] = [from, fromLine];

  for (let segment = from; segment < view.actions.length; segment++) {
    const ref = view.actions[segment];
    if (ref === undefined) break;
    if (segment - from === MAX_SEGMENTS) return { rows, next: encodeCursor('actions', job.id, [segment, 0]) };
    const lines = await cachedLines(job.objects, ref, 'actions');
    for (const line of lines.numbers(segment === from ? fromLine + 1 : 1)) {
      const row = lines.parse(line) as ActionRow;
      const at = parseItem(row.item);
      if (at === undefined || !index.isLast(segment, at.page, at.ordinal)) continue;
      if (query.state !== undefined && row.state !== query.state) continue;
      if (rows.length === query.limit) return { rows, next: encodeCursor('actions', job.id, last) };
      rows.push(row);
      last = [segment, line];
    }
  }
  return { rows };
}
