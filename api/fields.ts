import { z } from 'zod';

/** `fields=a,b`: only these members of each row, of the names given. */
export function fieldsQuery<const Name extends string>(names: readonly Name[]) {
  const known = new Set<string>(names);
  return z
    .string()
    .max(500)
    .transform((text) => text.split(','))
    .refine((asked): asked is Name[] => asked.every((name) => known.has(name)), {
      error: `must be some of ${names.join(',')}`,
    })
    .optional();
}

/** The rows with only the members that were asked for; all of them when none were named. */
export function withFields<Row extends object>(rows: readonly Row[], fields: readonly string[] | undefined): object[] {
  if (fields === undefined) return [...rows];
  const wanted = new Set(fields);
  return rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => wanted.has(name))));
}

/** The members of an outcome row, and of an action row. */
export const ROW_FIELDS = [
  'item',
  'location',
  'locationBytes',
  'outcome',
  'reason',
  'note',
  'listed',
  'judged',
  'sha256',
  'verdict',
  'scanner',
  'attempts',
  'rescanOf',
  'rescans',
  'retryOf',
  'unchanged',
  'at',
] as const;
export const ACTION_FIELDS = [
  'finding',
  'item',
  'location',
  'locationBytes',
  'action',
  'state',
  'code',
  'note',
  'version',
  'sha256',
  'threat',
  'destination',
  'made',
  'undo',
  'by',
  'at',
] as const;
/** Of a finding of any job. */
export const FINDING_FIELDS = [...ROW_FIELDS, 'job', 'source', 'action'] as const;
