import type { ApiClient } from '../../api/client.ts';
import type { ActionRow } from '../../domain/action.ts';
import type { Outcome, OutcomeRow } from '../../domain/outcome.ts';

/** A finding with what was done about it. */
export interface Finding {
  readonly row: OutcomeRow;
  readonly action?: ActionRow;
}

/** Who has the rows: the API, or the ledger itself. */
export type FindingsSource = Pick<ApiClient, 'outcomes' | 'actions'>;

/** The order in which findings are told. */
const FINDINGS: readonly Outcome[] = ['malicious', 'policy_blocked'];
const PAGE = 500;

/**
 * The findings of closed pages with their action rows, malicious ones first, at most `limit`.
 * @throws ApiError
 */
export async function loadFindings(client: FindingsSource, job: string, limit: number): Promise<Finding[]> {
  const rows: OutcomeRow[] = [];
  for (const outcome of FINDINGS) {
    let after: string | undefined;
    while (rows.length < limit) {
      const query = { outcome, limit: Math.min(PAGE, limit - rows.length), ...(after !== undefined && { after }) };
      const page = await client.outcomes(job, query);
      rows.push(...page.rows.slice(0, limit - rows.length));
      after = page.next;
      if (after === undefined) break;
    }
  }
  const actions = await loadActions(client, job, new Set(rows.map((row) => row.item)));
  return rows.map((row) => {
    const action = actions.get(row.item);
    return action === undefined ? { row } : { row, action };
  });
}

/** Action rows of the items named; reading ends when each has one. A later row of an item replaces an earlier one. */
async function loadActions(
  client: Pick<ApiClient, 'actions'>,
  job: string,
  items: ReadonlySet<string>,
): Promise<Map<string, ActionRow>> {
  const found = new Map<string, ActionRow>();
  let after: string | undefined;
  while (found.size < items.size) {
    const page = await client.actions(job, { limit: PAGE, ...(after !== undefined && { after }) });
    for (const row of page.rows) if (items.has(row.item)) found.set(row.item, row);
    after = page.next;
    if (after === undefined) break;
  }
  return found;
}
