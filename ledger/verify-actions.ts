import { ACTION_STATES, type ActionRow, noActions, ROW_ACTIONS } from '../domain/action.ts';
import { isFinding, type OutcomeRow } from '../domain/outcome.ts';
import { ActionIndex } from './action-index.ts';
import type { JobLedger } from './job-ledger.ts';
import { parseItem } from './names.ts';
import type { JobHeader, ObjectRef } from './types.ts';
import type { Told } from './verify-listing.ts';
import type { CheckedPage } from './verify-page.ts';
import { Problems } from './verify-report.ts';
import { actionFaults } from './verify-row.ts';

interface Line {
  /** Line of the unfolded object. */
  readonly line: number;
  readonly row: ActionRow;
}

/** What an apply job was given to do to one finding. */
type Given = Pick<ActionRow, 'finding' | 'location' | 'locationBytes' | 'action' | 'version' | 'sha256'>;

/** Checks action rows against outcome rows, page by page. Keeps 4 bytes a finding and the rows of one segment. */
export class ActionCheck {
  /** Findings by the state that their last row tells. */
  readonly states = noActions();
  /** Findings whose last row must be a gap. */
  open = 0;
  /** Malicious items without any action row. */
  without = 0;
  rows = 0;
  readonly #job: JobLedger;
  readonly #header: JobHeader;
  readonly #told: Told;
  readonly #problems: Problems;
  readonly #index = new ActionIndex();
  readonly #met = new Set<string>();
  #held: { segment: number; lines: readonly Line[] } | undefined;

  constructor(job: JobLedger, header: JobHeader, told: Told, problems: Problems) {
    this.#job = job;
    this.#header = header;
    this.#told = told;
    this.#problems = problems;
  }

  /** First pass: each segment by itself. */
  async readSegments(): Promise<void> {
    const read = new Set<string>();
    for (const { segment, counts, intents, commit } of this.#told.actions) {
      const lines = await this.#problems.reading(segment.name, () => this.#job.readActions(segment));
      const rows = this.#wellFormed(segment.name, lines ?? []).map(({ row }) => row);
      this.#index.add(rows);
      this.rows += rows.length;
      const sum = noActions();
      for (const row of rows) sum[row.state] += 1;
      if (!ACTION_STATES.every((state) => sum[state] === counts[state])) {
        this.#problems.add('sum', commit, `The counts of ${segment.name} are not the sums of its rows.`);
      }
      // One object of intents is carried out in many batches: it is read for the first.
      const known = intents === undefined ? undefined : `${intents.name} ${intents.hash}`;
      if (intents === undefined || known === undefined || read.has(known)) continue;
      read.add(known);
      await this.#problems.reading(intents.name, () => this.#job.readIntents(intents));
    }
  }

  /** Second pass: the action rows of a page that was just read. */
  async checkPage(page: string, checked: CheckedPage): Promise<void> {
    this.#met.add(page);
    const acted = new Set<number>();
    for (const segment of this.#index.segmentsOf(page)) {
      const name = this.#told.actions[segment]?.segment.name ?? '';
      for (const { line, row } of await this.#segment(segment)) {
        const at = parseItem(row.item);
        if (at === undefined || at.page !== page) continue;
        acted.add(at.ordinal);
        const fault = this.#fault(row, checked.byOrdinal.get(at.ordinal));
        if (fault !== undefined) this.#problems.add('action', name, `The action on ${row.item}: ${fault}.`, line);
        if (!this.#index.isLast(segment, page, at.ordinal)) continue;
        this.states[row.state] += 1;
        if (leavesGap(row)) this.open += 1;
      }
    }
    for (const [ordinal, row] of checked.byOrdinal) {
      if (row.outcome === 'malicious' && !acted.has(ordinal)) this.without += 1;
    }
  }

  /** Of an apply job: each row against the intent that the job was given. It has no pages of its own. */
  async checkIntents(): Promise<void> {
    const read = new Map<string, { ref: ObjectRef; segments: number[] }>();
    for (const [segment, { segment: ref, intents }] of this.#told.actions.entries()) {
      if (intents === undefined) {
        this.#problems.add('action', ref.name, 'It does not say which intents it carries out.');
        continue;
      }
      const known = read.get(intents.name);
      if (known === undefined) read.set(intents.name, { ref: intents, segments: [segment] });
      else known.segments.push(segment);
    }
    for (const { ref, segments } of read.values()) {
      // What can't be read was told by the first pass.
      const given = (await new Problems().reading(ref.name, () => this.#given(ref))) ?? [];
      const byItem = new Map(given.map((one) => [one.finding.slice(one.finding.indexOf('/') + 1), one]));
      const acted = new Set<string>();
      for (const segment of segments) await this.#checkBatch(segment, byItem, acted);
      this.without += byItem.size - acted.size;
    }
  }

  /** What the job was given to do: intents, or of a restore the rows whose actions it undoes. */
  async #given(ref: ObjectRef): Promise<Given[]> {
    if (this.#header.order?.why === 'restore') {
      const rows = await this.#job.readUndone(ref);
      return rows.map((row) => ({ ...row, action: 'restore' }));
    }
    const intents = await this.#job.readIntents(ref);
    return intents.map(({ finding, item, action, judged, provenance }) => {
      return { finding, ...item, action, version: judged.version, sha256: provenance.sha256 };
    });
  }

  async #checkBatch(segment: number, byItem: ReadonlyMap<string, Given>, acted: Set<string>): Promise<void> {
    const name = this.#told.actions[segment]?.segment.name ?? '';
    for (const { line, row } of await this.#segment(segment)) {
      const intent = byItem.get(row.item);
      const fault = intentFault(row, intent);
      if (fault !== undefined) this.#problems.add('action', name, `The action on ${row.item}: ${fault}.`, line);
      if (intent !== undefined) acted.add(row.item);
      const at = parseItem(row.item);
      if (at === undefined || !this.#index.isLast(segment, at.page, at.ordinal)) continue;
      this.states[row.state] += 1;
      if (leavesGap(row)) this.open += 1;
    }
  }

  /** After the last page: actions on pages that do not exist. */
  finish(): void {
    if (this.#header.kind === 'apply') return;
    for (const page of this.#index.pages()) {
      if (this.#met.has(page)) continue;
      for (const segment of this.#index.segmentsOf(page)) {
        const name = this.#told.actions[segment]?.segment.name ?? '';
        this.#problems.add('action', name, `It acts on items of page ${page}, which was not closed.`);
      }
    }
  }

  #fault(row: ActionRow, outcome: OutcomeRow | undefined): string | undefined {
    if (row.finding !== `${this.#job.id}/${row.item}`) return `it names the finding ${JSON.stringify(row.finding)}`;
    if (outcome === undefined) return 'this item has no outcome row';
    if (!isFinding(outcome.outcome)) return `this item is ${outcome.outcome}, which is no finding`;
    if (row.location !== outcome.location || row.locationBytes !== outcome.locationBytes) {
      return 'it names another location than the outcome row';
    }
    if (row.action === 'restore') return 'only a restore puts back';
    if (row.sha256 !== undefined && row.sha256 !== outcome.sha256) return 'it names another hash than the outcome row';
    if (row.version !== outcome.judged?.version) return 'it acted on another version than the one that was judged';
    if (this.#header.settings.dryRun && row.state !== 'planned') return `it is ${row.state} in a dry run`;
    return undefined;
  }

  /** The well-formed rows of a segment that was read before, from memory when it is the last one again. */
  async #segment(segment: number): Promise<readonly Line[]> {
    if (this.#held?.segment === segment) return this.#held.lines;
    const ref = this.#told.actions[segment]?.segment;
    // What is wrong with it was told by the first pass.
    const quiet = new Problems();
    const rows = ref === undefined ? undefined : await quiet.reading(ref.name, () => this.#job.readActions(ref));
    this.#held = { segment, lines: this.#wellFormed('', rows ?? [], quiet) };
    return this.#held.lines;
  }

  #wellFormed(name: string, rows: readonly ActionRow[], problems = this.#problems): Line[] {
    const seen = new Set<string>();
    const lines: Line[] = [];
    for (const [at, row] of rows.entries()) {
      const faults = actionFaults(row, ACTION_STATES, ROW_ACTIONS);
      if (faults.length === 0 && parseItem(row.item) === undefined)
        faults.push(`${JSON.stringify(row.item)} is no item`);
      if (faults.length === 0 && seen.has(row.item)) faults.push(`the item ${row.item} is there twice`);
      for (const fault of faults) problems.add('action', name, `An action row: ${fault}.`, at + 2);
      if (faults.length > 0) continue;
      seen.add(row.item);
      lines.push({ line: at + 2, row });
    }
    return lines;
  }
}

/** The finding is still where it was, and nothing else explains why: such an action must be a gap of the account. */
function leavesGap(row: ActionRow): boolean {
  if (row.action === 'restore') return row.state !== 'done';
  if (row.state === 'awaiting-approval') return true;
  if (row.state !== 'failed' && row.state !== 'refused') return false;
  return row.code !== 'not_found' && row.code !== 'version_changed' && row.code !== 'rejected';
}

/** How a row of an apply job differs from the intent it carries out. */
function intentFault(row: ActionRow, intent: Given | undefined): string | undefined {
  if (intent === undefined) return 'the job was given no such finding';
  if (row.finding !== intent.finding) return `it names the finding ${JSON.stringify(row.finding)}`;
  if (row.location !== intent.location || row.locationBytes !== intent.locationBytes) {
    return 'it names another location than the finding';
  }
  if (row.sha256 !== undefined && row.sha256 !== intent.sha256) return 'it names another hash than the finding';
  if (row.action !== intent.action) return `it did ${row.action} instead of ${intent.action}`;
  return row.version === intent.version ? undefined : 'it acted on another version than the one that was judged';
}
