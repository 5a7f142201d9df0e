import type { Judged } from '../domain/incremental.ts';
import { isHash, isJob, parseItem } from './names.ts';

/** A row of a job, as `job/page:ordinal` names it. */
export interface RowName {
  readonly job: string;
  readonly page: string;
  readonly ordinal: number;
}

/** Undefined for what names no row. */
export function parseRow(text: string): RowName | undefined {
  const slash = text.indexOf('/');
  const at = slash < 0 ? undefined : parseItem(text.slice(slash + 1));
  const job = text.slice(0, Math.max(0, slash));
  return at === undefined || !isJob(job) ? undefined : { job, ...at };
}

/** What is wrong with the shape of a reference to the row that judged; undefined when nothing is. */
export function judgedFault(value: unknown): string | undefined {
  const { row, root, at, policy, modelTime, standIn } = (value ?? {}) as Partial<Record<keyof Judged, unknown>>;
  const well =
    typeof row === 'string' &&
    parseRow(row) !== undefined &&
    isHash(root) &&
    typeof at === 'string' &&
    !Number.isNaN(Date.parse(at)) &&
    typeof policy === 'string' &&
    (modelTime === undefined || typeof modelTime === 'string') &&
    (standIn === undefined || standIn === true);
  return well ? undefined : 'what it says of the row that judged it names no row, root and time';
}

/** Whether two references are the same; both absent: they are. */
export function sameJudged(a: unknown, b: Judged | undefined): boolean {
  if (a === undefined || a === null || b === undefined) return a === b;
  const one = a as Partial<Judged>;
  return (['row', 'root', 'at', 'policy', 'modelTime', 'standIn'] as const).every((key) => one[key] === b[key]);
}
