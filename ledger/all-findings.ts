import type { ActionRow } from '../domain/action.ts';
import type { OutcomeRow } from '../domain/outcome.ts';
import { checkLimit } from './cursor.ts';
import { isLedgerError, LedgerError } from './errors.ts';
import { FINDING_OUTCOMES } from './findings.ts';
import type { JobLedger } from './job-ledger.ts';
import { actionsOf } from './job-view.ts';
import type { Begun, Ledger } from './ledger.ts';
import { cachedLines } from './lines-cache.ts';
import { parseItem } from './names.ts';
import { MAX_ROWS, pageOutcomes } from './outcomes.ts';

/** Reads of rows, and of jobs, that one call makes at most; then it answers with what it has, and `next`. */
const MAX_READS = 50;
const MAX_JOBS = 200;

export interface FindingsQuery {
  /** Id of the source; absent: all. */
  readonly source?: string;
  /** Judged then or later, ISO 8601 in UTC. */
  readonly since?: string;
  /** Part of what the scanner called the threat; capitals do not matter. */
  readonly threat?: string;
  /** The state of the latest item action; `none`: there was none. */
  readonly action?: ActionRow['state'] | 'none';
  /** Rows, 1 to 1,000. */
  readonly limit: number;
  /** `next` of the page before. */
  readonly after?: string;
}

/** A finding of some job, with the latest row of its item action. */
export interface FoundRow {
  readonly job: string;
  readonly source: string;
  readonly row: OutcomeRow;
  readonly action: ActionRow | undefined;
}

export interface FindingsPage {
  readonly found: readonly FoundRow[];
  /** Jobs whose findings can't be read: their ledgers are damaged. */
  readonly damaged: readonly string[];
  /** Present while there may be more, even when `found` is short or empty. */
  readonly next?: string;
}

/** A place in the list: a job, which of its outcomes, and the place among the rows; behind the last outcome: behind the job. */
interface Place {
  readonly job: string;
  readonly outcome: number;
  readonly rows?: string;
}

/**
 * The findings of all jobs: newest start first, of one job the malicious before the blocked, each in the order of the items.
 * @throws LedgerError `invalid` (the query), `not_readable`, `unavailable`
 */
export async function pageFindings(ledger: Ledger, query: FindingsQuery): Promise<FindingsPage> {
  checkLimit(query.limit, MAX_ROWS);
  const starts = await ledger.starts();
  let place = query.after === undefined ? undefined : decode(query);
  let from = 0;
  if (place !== undefined) {
    from = starts.findIndex(({ job }) => job === place?.job);
    if (from < 0) throw notOurs();
  }
  const found: FoundRow[] = [];
  const damaged: string[] = [];
  let reads = 0;
  const page = (at?: Place): FindingsPage => ({ found, damaged, ...(at !== undefined && { next: encode(query, at) }) });

  for (const [count, begun] of starts.slice(from).entries()) {
    const { job } = begun;
    const begin = place ?? { job, outcome: 0 };
    place = undefined;
    if (query.source !== undefined && begun.source !== query.source) continue;
    if (count > MAX_JOBS || found.length === query.limit) return page(begin);
    try {
      if (!(await mayHold(ledger, begun, query))) continue;
      let after = begin.rows;
      for (let outcome = begin.outcome; outcome < FINDING_OUTCOMES.length; outcome++) {
        do {
          const at = { job, outcome, ...(after !== undefined && { rows: after }) };
          if (found.length === query.limit || reads === MAX_READS) return page(at);
          reads += 1;
          const rows = await pageOutcomes(ledger.job(job), {
            outcome: FINDING_OUTCOMES[outcome] as 'malicious',
            limit: query.limit - found.length,
            ...(after !== undefined && { after }),
          });
          found.push(...(await fitting(ledger.job(job), begun, rows.rows, query)));
          after = rows.next;
        } while (after !== undefined);
      }
    } catch (error) {
      if (isLedgerError(error, 'invalid') && begin.rows !== undefined) throw notOurs();
      if (!isLedgerError(error, 'corrupt') && !isLedgerError(error, 'not_found')) throw error;
      damaged.push(job);
    }
  }
  return page();
}

async function fitting(
  ledger: JobLedger,
  { job, source = '' }: Begun,
  rows: readonly OutcomeRow[],
  { since, threat, action: state }: FindingsQuery,
): Promise<FoundRow[]> {
  const fitting: FoundRow[] = [];
  for (const row of rows) {
    if (since !== undefined && Date.parse(row.at) < Date.parse(since)) continue;
    const name = row.verdict?.threatType ?? '';
    if (threat !== undefined && !name.toLowerCase().includes(threat.toLowerCase())) continue;
    const action = await latestAction(ledger, row.item);
    if (state === undefined || state === (action?.state ?? 'none')) fitting.push({ job, source, row, action });
  }
  return fitting;
}

/** The last row that names an item. */
async function latestAction(ledger: JobLedger, item: string): Promise<ActionRow | undefined> {
  const at = parseItem(item);
  if (at === undefined) return undefined;
  const { view, index } = await actionsOf(ledger);
  for (const segment of index.segmentsOf(at.page).reverse()) {
    const ref = view.actions[segment];
    if (ref === undefined || !index.isLast(segment, at.page, at.ordinal)) continue;
    const lines = await cachedLines(ledger.objects, ref, 'actions');
    for (const line of lines.containing(`"item":${JSON.stringify(item)}`)) {
      const row = lines.parse(line) as ActionRow;
      if (row.item === item) return row;
    }
  }
  return undefined;
}

/** Of jobs that have ended, how many findings they have, and when they ended: that never changes. */
const ended = new WeakMap<Ledger, Map<string, { readonly findings: number; readonly endedAt: string }>>();

async function mayHold(ledger: Ledger, { job }: Begun, { since }: FindingsQuery): Promise<boolean> {
  const facts = ended.get(ledger) ?? new Map<string, { findings: number; endedAt: string }>();
  ended.set(ledger, facts);
  let fact = facts.get(job);
  if (fact === undefined) {
    const account = (await ledger.job(job).state())?.head?.body.account;
    if (account === undefined) return true;
    const { outcomes } = account.counters;
    fact = { findings: outcomes.malicious + outcomes.policy_blocked, endedAt: account.endedAt };
    facts.set(job, fact);
  }
  return fact.findings > 0 && (since === undefined || Date.parse(fact.endedAt) >= Date.parse(since));
}

function filterOf({ source, since, threat, action }: FindingsQuery): string {
  return JSON.stringify([source, since, threat, action]);
}

function encode(query: FindingsQuery, { job, outcome, rows }: Place): string {
  return Buffer.from(JSON.stringify([1, 'findings', filterOf(query), job, outcome, rows ?? ''])).toString('base64url');
}

/** @throws LedgerError `invalid` */
function decode(query: FindingsQuery): Place {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(query.after ?? '', 'base64url').toString('utf8'));
  } catch {
    throw notOurs();
  }
  const [version, kind, filter, job, outcome, rows] = Array.isArray(value) ? (value as unknown[]) : [];
  const sound = version === 1 && kind === 'findings' && filter === filterOf(query);
  if (!sound || typeof job !== 'string' || typeof rows !== 'string' || (outcome !== 0 && outcome !== 1))
    throw notOurs();
  return { job, outcome, ...(rows !== '' && { rows }) };
}

function notOurs(): LedgerError {
  const what = 'This "after" was not made here, or for other filters. Give what the page before returned as "next".';
  return new LedgerError('invalid', 'findings', what);
}
