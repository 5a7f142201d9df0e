import type { ActionRow, ActionState } from '../../domain/action.ts';
import { noActions } from '../../domain/action.ts';
import type { Item } from '../../domain/item.ts';
import { pageId } from '../../domain/item.ts';
import {
  addCounters,
  type Counters,
  countRows,
  noCounters,
  type Outcome,
  type OutcomeRow,
  rowHead,
} from '../../domain/outcome.ts';
import type { JobLedger } from '../../ledger/ledger.ts';
import type {
  Account,
  ActionResult,
  CommitBody,
  JobHeader,
  ObjectRef,
  PageEntry,
  PageResult,
} from '../../ledger/types.ts';

export const WRITER = { run: '0198-run', activity: 'scan-page', attempt: 1 } as const;
export const AT = '2026-01-02T03:04:05.678Z';

export function headerOf(job: string, settings: Partial<JobHeader['settings']> = {}): JobHeader {
  return {
    format: 1,
    job,
    kind: 'full',
    source: { kind: 'folder', id: 'folder-1', path: '/data' },
    settings: { filter: '', action: 'nothing', dryRun: false, scanner: 'dsxa', ...settings },
    actor: 'test',
    startedAt: AT,
  };
}

export function itemOf(page: string, ordinal: number, outcome: Outcome): Item {
  const location = `folder ${page}/file-${String(ordinal).padStart(5, '0')} "${outcome}"\n.txt`;
  if (outcome === 'skipped') return { location, skip: 'link' };
  if (outcome === 'failed') return { location, fault: { class: 'permission_denied', detail: 'EACCES' } };
  return { location, version: `v-${page}-${ordinal}`, size: 100 + ordinal, modified: AT };
}

/** The row that an honest scan writes for an item with this outcome. */
export function rowOf(page: string, ordinal: number, item: Item, outcome: Outcome): OutcomeRow {
  const head = rowHead(page, ordinal, item);
  if (outcome === 'skipped') return { ...head, outcome, reason: item.skip ?? 'size', at: AT };
  if (outcome === 'failed') return { ...head, outcome, reason: item.fault?.class ?? 'unstable', at: AT };
  if (outcome === 'vanished') return { ...head, outcome, attempts: 1, at: AT };
  return {
    ...head,
    outcome,
    ...(outcome === 'unscannable' && { reason: 'encrypted_file' }),
    judged: { version: item.version ?? '', size: item.size ?? 0 },
    sha256: (ordinal + 1).toString(16).padStart(64, '0'),
    verdict: { verdict: VERDICTS[outcome] },
    scanner: { name: 'dsxa', standIn: false, scanId: `scan-${page}-${ordinal}` },
    attempts: 1,
    at: AT,
  };
}

const VERDICTS = {
  clean: 'Benign',
  malicious: 'Malicious',
  policy_blocked: 'Non Compliant',
  unscannable: 'Encrypted',
  inconclusive: 'Unknown',
} as const;

export function actionRowOf(job: string, row: OutcomeRow, state: ActionState, note?: string): ActionRow {
  return {
    finding: `${job}/${row.item}`,
    item: row.item,
    location: row.location,
    ...(row.locationBytes !== undefined && { locationBytes: row.locationBytes }),
    action: 'move',
    state,
    ...(note !== undefined && { note }),
    version: row.judged?.version ?? '',
    by: 'action move',
    at: AT,
  };
}

/** What a test may change on the way, always before anything is hashed, so that the hashes are right and the content is wrong. */
export interface Bend {
  items?: (page: string, items: Item[]) => Item[];
  rows?: (page: string, rows: OutcomeRow[]) => OutcomeRow[];
  /** The lines as written, where a row can't be expressed as such. */
  lines?: (page: string, rows: unknown[]) => unknown[];
  actions?: (page: string, rows: ActionRow[]) => ActionRow[];
  actionResult?: (result: ActionResult) => ActionResult;
  entry?: (entry: PageEntry) => PageEntry;
  result?: (result: PageResult) => PageResult | undefined;
  account?: (account: Account) => Account;
  commit?: (body: CommitBody) => CommitBody;
}

export interface Plan {
  /** Outcomes of the items, by page of lane 0. */
  readonly pages: readonly (readonly Outcome[])[];
  readonly settings?: Partial<JobHeader['settings']>;
  /** Pages in one commit. Default 2. */
  readonly perCommit?: number;
  /** False: no account is written. */
  readonly final?: boolean;
  readonly bend?: Bend;
}

export interface Built {
  readonly root: string;
  readonly rows: readonly OutcomeRow[];
  readonly actions: readonly ActionRow[];
  readonly commits: readonly CommitBody[];
}

/** Writes a whole job, as the activities do: header, pages, index, segments, actions, commits, account. */
export async function buildJob(job: JobLedger, plan: Plan): Promise<Built> {
  const { bend = {} } = plan;
  const header = headerOf(job.id, plan.settings);
  const allRows: OutcomeRow[] = [];
  const allActions: ActionRow[] = [];
  let previous = (await job.writeHeader(header)).hash;
  const entries: PageEntry[] = [];
  const results: PageResult[] = [];
  const actions: ActionResult[] = [];
  for (const [number, outcomes] of plan.pages.entries()) {
    const page = pageId(0, number);
    const listed = outcomes.map((outcome, ordinal) => itemOf(page, ordinal, outcome));
    const items = bend.items?.(page, listed) ?? listed;
    const object = await job.writePage(page, items, WRITER);
    const bytes = items.reduce((sum, item) => sum + (item.size ?? 0), 0);
    const entry = { page, object, items: items.length, bytes };
    entries.push(bend.entry?.(entry) ?? entry);
    const honest = items.map((item, ordinal) => rowOf(page, ordinal, item, outcomes[ordinal] as Outcome));
    const rows = bend.rows?.(page, honest) ?? honest;
    const lines = bend.lines?.(page, rows);
    const segment =
      lines === undefined ? await job.writeSegment(page, rows, WRITER) : await writeLines(job, page, lines);
    const result = { page, listing: object, items: items.length, segment, counters: countRows(rows) };
    const bent = bend.result === undefined ? result : bend.result(result);
    if (bent !== undefined) results.push(bent);
    allRows.push(...rows);
    const acted = await act(job, header, page, rows, bend);
    if (acted !== undefined) {
      actions.push(acted.result);
      allActions.push(...acted.rows);
    }
  }
  const index = await job.writeIndex(
    {
      format: 1,
      job: job.id,
      lane: 0,
      epoch: 0,
      pages: entries,
      position: { at: 'end' },
      done: true,
      gaps: { count: 0, samples: [] },
      outside: 3,
    },
    WRITER,
  );
  const perCommit = plan.perCommit ?? 2;
  const commits: CommitBody[] = [];
  let counters = noCounters();
  for (let at = 0; at === 0 || at < results.length; at += perCommit) {
    const pages = results.slice(at, at + perCommit);
    for (const page of pages) counters = addCounters(counters, page.counters);
    const last = at + perCommit >= results.length;
    const body: CommitBody = {
      format: 1,
      job: job.id,
      number: commits.length + 1,
      previous,
      indexes: at === 0 ? [index] : [],
      pages,
      actions: last ? actions : [],
      counters,
      ...(last && plan.final !== false && { account: accountOf(entries, counters, actions, bend) }),
    };
    const bent = bend.commit?.(body) ?? body;
    previous = (await job.writeCommit(bent)).hash;
    commits.push(bent);
  }
  return { root: previous, rows: allRows, actions: allActions, commits };
}

async function act(job: JobLedger, header: JobHeader, page: string, rows: readonly OutcomeRow[], bend: Bend) {
  if (header.settings.action === 'nothing') return undefined;
  const state = header.settings.dryRun ? 'planned' : 'done';
  const honest = rows.filter((row) => row.outcome === 'malicious').map((row) => actionRowOf(job.id, row, state));
  const bent = bend.actions?.(page, honest) ?? honest;
  if (bent.length === 0) return undefined;
  const segment = await job.writeActions(page, bent, WRITER);
  const counts = noActions();
  for (const row of bent) counts[row.state] += 1;
  const result = { segment, counts };
  return { result: bend.actionResult?.(result) ?? result, rows: bent };
}

async function writeLines(job: JobLedger, page: string, lines: readonly unknown[]): Promise<ObjectRef> {
  return job.objects.putLines(`segments/${page}.bent.ndjson.zst`, { format: 1, job: job.id, page }, lines);
}

function accountOf(
  entries: readonly PageEntry[],
  counters: Counters,
  results: readonly ActionResult[],
  bend: Bend,
): Account {
  const actions = noActions();
  for (const { counts } of results)
    for (const state of Object.keys(actions) as ActionState[]) actions[state] += counts[state];
  const gaps = (['failed', 'unscannable', 'inconclusive'] as const)
    .filter((outcome) => counters.outcomes[outcome] > 0)
    .map((outcome) => ({ class: outcome, count: counters.outcomes[outcome] }));
  const account: Account = {
    state: gaps.length > 0 ? 'completed_with_gaps' : 'completed',
    listed: entries.reduce((sum, entry) => sum + entry.items, 0),
    listedBytes: entries.reduce((sum, entry) => sum + entry.bytes, 0),
    listingDone: true,
    outside: 3,
    counters,
    actions,
    gaps,
    endedAt: AT,
  };
  return bend.account?.(account) ?? account;
}

/** Outcomes of a page that holds each of them. */
export const MIXED: readonly Outcome[] = [
  'clean',
  'malicious',
  'policy_blocked',
  'unscannable',
  'inconclusive',
  'skipped',
  'vanished',
  'failed',
  'clean',
  'malicious',
];
