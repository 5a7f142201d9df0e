import { randomBytes } from 'node:crypto';
import { LedgerError } from './errors.ts';
import type { Writer } from './types.ts';

/** The kinds of objects of a job: each has a folder. */
export const FOLDERS = ['pages', 'indexes', 'parts', 'segments', 'actions', 'intents', 'intake', 'commits'] as const;
export type Folder = (typeof FOLDERS)[number];

export const LEDGER_NAME = 'ledger.json';
export const HEADER_NAME = 'job.json';
export const JOIN_NAME = 'joined.json';
export const SWEPT_NAME = 'swept.json';

const JOB = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const PAGE = /^(0|[1-9]\d{0,8})-(0|[1-9]\d{0,8})$/;
const HASH = /^[0-9a-f]{64}$/;
const COMMIT = /^commits\/c(\d{8})\.([0-9a-f]{16})\.json$/;

export function isJob(name: string): boolean {
  return JOB.test(name);
}

/** @throws LedgerError `invalid` */
export function checkJob(job: string): string {
  if (!JOB.test(job)) {
    throw new LedgerError(
      'invalid',
      job,
      `${JSON.stringify(job)} is no job id. "dsx ledger jobs" lists the jobs of this ledger.`,
    );
  }
  return job;
}

/** Lane and number of a page id, or undefined when it is none. */
export function parsePage(page: string): { lane: number; number: number } | undefined {
  const match = PAGE.exec(page);
  return match === null ? undefined : { lane: Number(match[1]), number: Number(match[2]) };
}

/** @throws LedgerError `invalid` */
export function checkPage(page: string): { lane: number; number: number } {
  const parsed = parsePage(page);
  if (parsed === undefined) throw new LedgerError('invalid', page, `${JSON.stringify(page)} is no page id (as 0-12).`);
  return parsed;
}

/** Page and ordinal of `page:ordinal`, or undefined when it is no item id. */
export function parseItem(item: string): { page: string; ordinal: number } | undefined {
  const colon = item.indexOf(':');
  if (colon < 0) return undefined;
  const digits = item.slice(colon + 1);
  if (!/^(0|[1-9]\d{0,8})$/.test(digits)) return undefined;
  return { page: item.slice(0, colon), ordinal: Number(digits) };
}

export function isHash(value: unknown): value is string {
  return typeof value === 'string' && HASH.test(value);
}

/** A name that no other writer ever makes: `<folder>/<what>.<run>.<activity>.<attempt>.<nonce>.ndjson.zst`. */
export function uniqueName(folder: Folder, what: string, writer: Writer): string {
  const parts = [tidy(what, 64), tidy(writer.run, 48), tidy(writer.activity, 32), String(writer.attempt)];
  return `${folder}/${parts.join('.')}.${randomBytes(8).toString('hex')}.ndjson.zst`;
}

export function partName(page: string, part: number, writer: Writer): string {
  return uniqueName('parts', `${page}_${part}`, writer);
}

/** The page whose part has this name, or undefined when it is no part. */
export function pageOfPart(name: string): string | undefined {
  return /^parts\/(\d+-\d+)_\d+\./.exec(name)?.[1];
}

/** Ids of others reduced to what a name may hold. The nonce, not this, makes the name unlike others. */
function tidy(text: string, limit: number): string {
  const kept = text.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, limit);
  return kept === '' || kept.startsWith('-') ? `_${kept.slice(1)}` : kept;
}

export function commitName(number: number, hash: string): string {
  return `commits/c${String(number).padStart(8, '0')}.${hash.slice(0, 16)}.json`;
}

/** Number and first 16 digits of the hash of a commit's name, or undefined when it is no such name. */
export function parseCommitName(name: string): { number: number; prefix: string } | undefined {
  const match = COMMIT.exec(name);
  return match === null ? undefined : { number: Number(match[1]), prefix: match[2] as string };
}
