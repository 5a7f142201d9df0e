import { visibleBytes } from '../../../cli/render/names.ts';
import { countRows, OUTCOMES, type Outcome, type OutcomeCounts } from '../../../domain/outcome.ts';
import type { Findings } from './findings.ts';
import { type JobRecord, keyOf } from './read-job.ts';

/** What a file must come to. */
export interface ExpectedItem {
  readonly outcome: Outcome;
  /** Of the whole bytes; absent for what is not scanned. */
  readonly sha256?: string;
  readonly size?: number;
}

/** What somebody was told of a job: its workflow's result, or the API's answer. */
export interface Told {
  readonly who: string;
  readonly listed: number;
  readonly outcomes: OutcomeCounts;
  readonly actionsDone: number;
}

/** The listing is the folder, and every listed item has exactly one row, with the outcome that its file must have. */
export function checkRows(record: JobRecord, expected: ReadonlyMap<string, ExpectedItem>, findings: Findings): void {
  checkListing(record, expected, findings);
  const rows = new Set<string>();
  for (const row of record.rows) {
    if (rows.has(row.item)) findings.add('rows', `item ${row.item} has more than one row`);
    rows.add(row.item);
    const item = record.items.get(row.item);
    if (item === undefined) {
      findings.add('rows', `there is a row for ${row.item}, which was not listed`);
      continue;
    }
    if (keyOf(item) !== keyOf(row))
      findings.add('rows', `the row of ${row.item} names another location than its listing`);
    const want = expected.get(keyOf(row));
    if (want === undefined) continue;
    const name = visibleBytes(Buffer.from(keyOf(row), 'latin1'));
    if (row.outcome !== want.outcome) {
      const why = [row.reason, row.note].filter((part) => part !== undefined).join(', ');
      findings.add('outcomes', `${name} (${row.item}) is ${row.outcome} (${why}), but it must be ${want.outcome}`);
    }
    if (want.sha256 === undefined) continue;
    if (row.sha256 !== want.sha256 || row.judged?.size !== want.size) {
      findings.add(
        'outcomes',
        `${name} (${row.item}) was not judged by its whole bytes: its row has another hash or size`,
      );
    }
    if (row.judged?.version !== item.version)
      findings.add('outcomes', `${name} (${row.item}) names a version that was not listed`);
  }
  for (const item of record.items.keys()) if (!rows.has(item)) findings.add('rows', `listed item ${item} has no row`);
}

function checkListing(record: JobRecord, expected: ReadonlyMap<string, ExpectedItem>, findings: Findings): void {
  const listed = new Set<string>();
  for (const [id, item] of record.items) {
    const key = keyOf(item);
    const name = visibleBytes(Buffer.from(key, 'latin1'));
    if (listed.has(key)) findings.add('listing', `${name} is listed more than once (${id})`);
    listed.add(key);
    if (!expected.has(key)) findings.add('listing', `${name} is listed (${id}), but was not in the folder`);
  }
  for (const key of expected.keys()) {
    if (!listed.has(key))
      findings.add('listing', `${visibleBytes(Buffer.from(key, 'latin1'))} was in the folder, but is not listed`);
  }
}

/** What was told of the job is the sum of its rows. */
export function checkSums(record: JobRecord, told: readonly Told[], findings: Findings): void {
  const { outcomes } = countRows(record.rows);
  const done = record.actions.filter((row) => row.state === 'done').length;
  const { account } = record;
  const all: Told[] = [...told];
  if (account === undefined) findings.add('sums', 'the last commit has no account');
  else {
    const { listed, counters, actions } = account;
    all.push({ who: 'the account', listed, outcomes: counters.outcomes, actionsDone: actions.done });
  }
  for (const one of all) {
    findings.equal('sums', `${one.who}, items listed`, one.listed, record.items.size);
    for (const name of OUTCOMES) findings.equal('sums', `${one.who}, ${name}`, one.outcomes[name], outcomes[name]);
    findings.equal('sums', `${one.who}, actions done`, one.actionsDone, done);
  }
}
