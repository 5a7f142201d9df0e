import { RESCAN_AFTER } from '../domain/incremental.ts';
import { type OutcomeRow, UNCHANGED } from '../domain/outcome.ts';
import { rowsIn } from './baseline/open-baseline.ts';
import { isLedgerError } from './errors.ts';
import { viewOf } from './job-view.ts';
import type { JobLedger, Ledger } from './ledger.ts';
import { HEADER_NAME, parseItem } from './names.ts';
import { type EndedMember, endedMember } from './retry-chain.ts';
import type { JobHeader } from './types.ts';
import { parseRow, type RowName } from './unchanged.ts';
import type { Told } from './verify-listing.ts';
import type { Problems } from './verify-report.ts';

/** What a verification says of the rows `unchanged` of an incremental scan. */
export interface UnchangedCheck {
  readonly rows: number;
  /** Rows that were laid beside the row that judged the bytes. What is wrong with them is among the problems. */
  readonly checked: number;
  /** Jobs that judged them, as far as their ledgers are here. */
  readonly judgedBy: readonly string[];
  /** Jobs whose ledgers are not here: of what they judged nothing was checked. */
  readonly notThere: readonly string[];
}

/** Segments that are held while rows lead to them. */
const KEPT_SEGMENTS = 8;

/** Checks every `unchanged` row against the row that judged the bytes, where that job's ledger is there. */
export async function checkUnchanged(
  job: JobLedger,
  header: JobHeader,
  told: Told,
  others: Pick<Ledger, 'job'> | undefined,
  problems: Problems,
): Promise<UnchangedCheck | undefined> {
  const pages = told.pages.filter(({ result }) => (result?.counters.unchanged ?? 0) > 0);
  const incremental = header.settings.incremental === true;
  if (!incremental && pages.length === 0) return undefined;
  if (!incremental) {
    problems.add('unchanged', HEADER_NAME, 'It skipped what is unchanged, and was not asked to.');
  }
  const check = new Check(header, told, others, problems);
  for (const { result } of pages) {
    if (result === undefined) continue;
    const rows = await problems.reading(result.segment.name, () => job.readSegment(result.segment));
    for (const row of rows ?? []) if (row.reason === UNCHANGED) await check.row(row, result.segment.name);
  }
  return check.result();
}

class Check {
  readonly #header: JobHeader;
  readonly #told: Told;
  readonly #others: Pick<Ledger, 'job'> | undefined;
  readonly #problems: Problems;
  readonly #jobs = new Map<string, Promise<Original | undefined>>();
  readonly #here = new Set<string>();
  readonly #gone = new Set<string>();
  #rows = 0;
  #checked = 0;

  constructor(header: JobHeader, told: Told, others: Pick<Ledger, 'job'> | undefined, problems: Problems) {
    this.#header = header;
    this.#told = told;
    this.#others = others;
    this.#problems = problems;
  }

  result(): UnchangedCheck {
    return {
      rows: this.#rows,
      checked: this.#checked,
      judgedBy: [...this.#here].sort(),
      notThere: [...this.#gone].sort(),
    };
  }

  async row(row: OutcomeRow, segment: string): Promise<void> {
    this.#rows += 1;
    const wrong = (message: string): void =>
      this.#problems.add('unchanged', segment, `The row of ${row.item}: ${message}.`);
    const { unchanged } = row;
    const name = unchanged === undefined ? undefined : parseRow(unchanged.row);
    // That it names none has been said of the row itself.
    if (unchanged === undefined || name === undefined) return;
    const age = Date.parse(this.#header.startedAt) - Date.parse(unchanged.at);
    const oldest = this.#header.settings.rescanAfter ?? RESCAN_AFTER;
    if (age > oldest * 1000) wrong(`it was judged at ${unchanged.at}, too long before the scan (${oldest} s at most)`);
    const original = await this.#original(name.job);
    if (original === undefined) return;
    this.#checked += 1;
    if (original.root !== unchanged.root) {
      wrong(`it names the root ${unchanged.root} of job ${name.job}, whose root is ${original.root}`);
      return;
    }
    for (const fault of this.#faults(row, original, await original.row(name, this.#problems))) wrong(fault);
  }

  #faults(row: OutcomeRow, original: Original, judge: OutcomeRow | undefined): string[] {
    const { unchanged } = row;
    if (judge === undefined || unchanged === undefined) return [`there is no row ${unchanged?.row}`];
    const faults: string[] = [];
    const same = (what: string, here: unknown, there: unknown): void => {
      if (here !== there)
        faults.push(`${what} is ${JSON.stringify(here)}, and ${unchanged.row} has ${JSON.stringify(there)}`);
    };
    if (judge.outcome !== 'clean') faults.push(`${unchanged.row} is ${judge.outcome}, not clean`);
    same('its location', row.location, judge.location);
    same('the bytes of its location', row.locationBytes, judge.locationBytes);
    same('its version', row.listed.version, judge.judged?.version);
    same('its size', row.listed.size, judge.judged?.size);
    // What a request or an event named was perhaps not listed, and has no time.
    if (judge.listed.modified !== undefined) same('its time', row.listed.modified, judge.listed.modified);
    same('when it was judged', unchanged.at, judge.at);
    same('what it was judged under', unchanged.policy, judge.scanner?.policy);
    same('the model', unchanged.modelTime, judge.scanner?.modelTime);
    same('whether a stand-in judged it', unchanged.standIn ?? false, judge.scanner?.standIn);
    same('the scanner', this.#header.settings.scanner, judge.scanner?.name);
    same('the source', this.#header.source.id, original.source);
    const { account } = this.#told;
    if (account?.fingerprint !== undefined) same('the asset', account.fingerprint, original.fingerprint);
    return faults;
  }

  async #original(job: string): Promise<Original | undefined> {
    const opening = this.#jobs.get(job) ?? Original.open(this.#others?.job(job), this.#problems);
    this.#jobs.set(job, opening);
    const original = await opening;
    (original === undefined ? this.#gone : this.#here).add(job);
    return original;
  }
}

/** A job that judged bytes which later scans did not. */
class Original {
  readonly root: string;
  readonly source: string;
  readonly fingerprint: string | undefined;
  readonly #ledger: JobLedger;
  readonly #segments = new Map<string, ReadonlyMap<number, OutcomeRow>>();

  private constructor({ ledger, header, account, root }: EndedMember) {
    this.#ledger = ledger;
    this.root = root;
    this.source = header.source.id;
    this.fingerprint = account.fingerprint;
  }

  /** Undefined when it is not there; damage is a problem. */
  static async open(ledger: JobLedger | undefined, problems: Problems): Promise<Original | undefined> {
    if (ledger === undefined) return undefined;
    try {
      const member = await endedMember(ledger);
      return member === undefined ? undefined : new Original(member);
    } catch (error) {
      if (isLedgerError(error, 'corrupt')) problems.add('unchanged', error.object, error.message);
      else if (!isLedgerError(error, 'not_found')) throw error;
      return undefined;
    }
  }

  /** The row, where a page that counts has it. */
  async row({ job, page, ordinal }: RowName, problems: Problems): Promise<OutcomeRow | undefined> {
    const known = this.#segments.get(page);
    if (known !== undefined) return known.get(ordinal);
    const closed = (await viewOf(this.#ledger)).closed.find((one) => one.page === page);
    if (closed === undefined) return undefined;
    const rows = await problems.reading(`${job}/${closed.segment.name}`, () => rowsIn(this.#ledger, closed));
    const byOrdinal = new Map((rows ?? []).map((row) => [parseItem(row.item)?.ordinal ?? -1, row]));
    this.#segments.set(page, byOrdinal);
    if (this.#segments.size > KEPT_SEGMENTS)
      for (const oldest of [...this.#segments.keys()].slice(0, 1)) this.#segments.delete(oldest);
    return byOrdinal.get(ordinal);
  }
}
