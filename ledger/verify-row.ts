import type { Item } from '../domain/item.ts';
import { ALLOWED, OUTCOMES, type OutcomeRow, UNCHANGED } from '../domain/outcome.ts';
import { RETRIABLE } from '../domain/retry.ts';
import { isFindingVerdict } from '../domain/verdict.ts';
import { isHash } from './names.ts';
import { judgedFault, sameJudged } from './unchanged.ts';

/** What is recorded of a row's scan: which outcomes a scanner's judgement must, may or must not stand behind. */
const JUDGED: Readonly<Record<OutcomeRow['outcome'], 'always' | 'sometimes' | 'never'>> = {
  clean: 'always',
  malicious: 'always',
  policy_blocked: 'always',
  inconclusive: 'always',
  unscannable: 'sometimes',
  skipped: 'never',
  vanished: 'never',
  failed: 'never',
};
const WITH_REASON: ReadonlySet<string> = new Set(['unscannable', 'skipped', 'failed']);
const REASONS: Readonly<Record<string, ReadonlySet<string>>> = {
  skipped: new Set(['link', 'special', 'size', 'duplicate', 'unchanged', 'superseded', 'allowed']),
  unscannable: new Set([
    'encrypted_file',
    'file_too_large',
    'file_type_not_supported',
    'corrupted_file',
    'archive_nesting_limit',
    'archive_too_large',
    'zip_bomb',
    'scan_error',
    'archived',
    'customer_key',
    'other',
  ]),
};
const NOTE_LIMIT = 500;
const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

type Fields = Readonly<Record<string, unknown>>;

/** What is wrong with a line of a listing; empty when nothing is. */
export function itemFaults(value: unknown): string[] {
  const faults: string[] = [];
  if (!isFields(value)) return ['it is no object'];
  locationFaults(value, faults);
  if (!optional(value.version, isText)) faults.push('its version is no text');
  if (!optional(value.size, isCount)) faults.push('its size is no number of bytes');
  if (!optional(value.modified, isText)) faults.push('its time is no text');
  if (!optional(value.skip, isText)) faults.push('its rule is no text');
  if (value.fault !== undefined && !(isFields(value.fault) && isText(value.fault.class)))
    faults.push('its fault has no class');
  if (value.unscannable !== undefined && !(isFields(value.unscannable) && isText(value.unscannable.reason)))
    faults.push('it is unscannable without a reason');
  if ((value.skip === UNCHANGED) !== (value.unchanged !== undefined))
    faults.push('it is listed as unchanged without the row that judged it, or names one and is not');
  const judged = value.unchanged === undefined ? undefined : judgedFault(value.unchanged);
  if (judged !== undefined) faults.push(judged);
  if (!optional(value.pushed, isText)) faults.push('what pushed it is no text');
  if (!optional(value.retryOf, isText) || (value.retryOf === undefined) !== (value.was === undefined))
    faults.push('it does not say which row it retries, and what that was');
  if (
    value.was !== undefined &&
    !(isFields(value.was) && (RETRIABLE as readonly unknown[]).includes(value.was.outcome))
  )
    faults.push('what it was can not be retried');
  return faults;
}

/** What is wrong with an outcome row for this item; empty when nothing is. */
export function rowFaults(value: unknown, item: Item): string[] {
  const faults: string[] = [];
  if (!isFields(value)) return ['it is no object'];
  if (value.location !== item.location || value.locationBytes !== item.locationBytes) {
    faults.push(`it names ${quoted(value.location)}, and the listing has ${quoted(item.location)}`);
  }
  const outcome = OUTCOMES.find((known) => known === value.outcome);
  if (outcome === undefined) return [...faults, `there is no outcome ${quoted(value.outcome)}`];
  listedFaults(value, item, faults);
  reasonFaults(value, outcome, item, faults);
  judgedFaults(value, outcome, faults);
  if (!optional(value.note, (note) => isText(note) && [...note].length <= NOTE_LIMIT)) {
    faults.push(`its note is no text of at most ${NOTE_LIMIT} characters`);
  }
  if (!optional(value.attempts, (n) => isCount(n) && n > 0)) faults.push('its attempts are no number above 0');
  if (value.rescanOf !== item.rescanOf || value.rescans !== item.rescans) {
    faults.push('it does not tell, as the listing does, which item it is listed again for');
  }
  if (value.retryOf !== item.retryOf) faults.push('it does not tell, as the listing does, which row it replaces');
  if (value.pushed !== item.pushed) faults.push('it does not tell, as the listing does, what pushed it');
  if ((value.unchanged !== undefined) !== (value.outcome === 'skipped' && value.reason === UNCHANGED))
    faults.push('it is skipped as unchanged without the row that judged it, or names one and is not');
  if (!sameJudged(value.unchanged, item.unchanged))
    faults.push('it does not tell, as the listing does, which row judged it');
  if (!(isText(value.at) && UTC.test(value.at))) faults.push('its time is not in UTC by ISO 8601');
  return faults;
}

function listedFaults(row: Fields, item: Item, faults: string[]): void {
  const { listed } = row;
  if (!isFields(listed)) {
    faults.push('it does not say what was listed');
    return;
  }
  for (const key of ['version', 'size', 'modified'] as const) {
    if (listed[key] !== item[key]) {
      faults.push(
        `it says that the ${key} listed was ${quoted(listed[key])}, and the listing has ${quoted(item[key])}`,
      );
    }
  }
}

function reasonFaults(row: Fields, outcome: OutcomeRow['outcome'], item: Item, faults: string[]): void {
  const { reason } = row;
  if (WITH_REASON.has(outcome)) {
    if (!isText(reason) || reason === '') faults.push(`it is ${outcome} without a reason`);
    else if (REASONS[outcome]?.has(reason) === false)
      faults.push(`there is no reason ${quoted(reason)} for ${outcome}`);
  } else if (reason !== undefined) {
    faults.push(`it is ${outcome} and has a reason`);
  }
  if (item.skip !== undefined && (outcome !== 'skipped' || reason !== item.skip)) {
    faults.push(`it is listed as not to be scanned (${item.skip}), and its outcome is ${outcome} ${quoted(reason)}`);
  } else if (
    item.skip === undefined &&
    item.fault !== undefined &&
    (outcome !== 'failed' || reason !== item.fault.class)
  ) {
    faults.push(`its facts could not be read (${item.fault.class}), and its outcome is ${outcome} ${quoted(reason)}`);
  }
  const known = item.skip === undefined && item.fault === undefined ? item.unscannable?.reason : undefined;
  if (known !== undefined && (outcome !== 'unscannable' || reason !== known)) {
    faults.push(`it is listed as unscannable (${known}), and its outcome is ${outcome} ${quoted(reason)}`);
  }
}

/** Bytes that were judged a finding, and are allowed by their hash: the one way in which what is skipped was judged. */
function isAllowed(row: Fields, outcome: OutcomeRow['outcome']): boolean {
  return outcome === 'skipped' && row.reason === ALLOWED;
}

function judgedFaults(row: Fields, outcome: OutcomeRow['outcome'], faults: string[]): void {
  const { judged, sha256, verdict, scanner, listed } = row;
  const allowed = isAllowed(row, outcome);
  const rule = allowed ? 'always' : JUDGED[outcome];
  if (judged === undefined) {
    if (rule === 'always') faults.push(`it is ${outcome}${allowed ? ' (allowed)' : ''}, and no version was judged`);
    if (sha256 !== undefined) faults.push('it has a SHA-256, and no version was judged');
    return;
  }
  if (rule === 'never') faults.push(`it is ${outcome}, and a version was judged`);
  if (!isFields(judged) || !isText(judged.version) || !isCount(judged.size)) {
    faults.push('the version judged has no token or no size');
    return;
  }
  if (
    isFields(listed) &&
    listed.version === judged.version &&
    listed.size !== undefined &&
    listed.size !== judged.size
  ) {
    faults.push(`${judged.size} bytes were judged of a version that has ${quoted(listed.size)}`);
  }
  if (!isHash(sha256)) faults.push('a version was judged, and its SHA-256 is missing or none');
  if (!isFields(scanner) || !isText(scanner.name) || typeof scanner.standIn !== 'boolean') {
    faults.push('a version was judged, and it does not say by which scanner');
  }
  if (!isFields(verdict) || !isText(verdict.verdict)) {
    faults.push('a version was judged, and the verdict is missing');
    return;
  }
  if (allowed) {
    if (!isFindingVerdict(verdict.verdict)) {
      faults.push(`the scanner said ${quoted(verdict.verdict)}, which is no finding that could be allowed`);
    }
    return;
  }
  const said = verdict.verdict.trim().toLowerCase();
  if ((said === 'benign') !== (outcome === 'clean') || (said === 'malicious') !== (outcome === 'malicious')) {
    faults.push(`the scanner said ${quoted(verdict.verdict)}, and the outcome is ${outcome}`);
  }
}

/** What is wrong with the shape of an action row; empty when nothing is. */
export function actionFaults(value: unknown, states: readonly string[], actions: readonly string[]): string[] {
  const faults: string[] = [];
  if (!isFields(value)) return ['it is no object'];
  if (!isText(value.finding) || !isText(value.item)) faults.push('it names no finding');
  locationFaults(value, faults);
  if (!isText(value.action) || !actions.includes(value.action))
    faults.push(`there is no action ${quoted(value.action)}`);
  if (!isText(value.state) || !states.includes(value.state)) faults.push(`there is no state ${quoted(value.state)}`);
  if (!isText(value.version)) faults.push('it names no version');
  if (!isText(value.by) || value.by === '') faults.push('it does not say who ordered it');
  if (!(isText(value.at) && UTC.test(value.at))) faults.push('its time is not in UTC by ISO 8601');
  return faults;
}

function locationFaults(value: Fields, faults: string[]): void {
  if (!isText(value.location)) faults.push('it has no location');
  const { locationBytes } = value;
  if (locationBytes === undefined) return;
  if (!isText(locationBytes) || !BASE64.test(locationBytes)) faults.push('the bytes of its location are no base64');
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function optional(value: unknown, rule: (value: unknown) => boolean): boolean {
  return value === undefined || rule(value);
}

/** A value for a message: as JSON, cut. */
export function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length <= 200 ? text : `${text.slice(0, 199)}…`;
}
