import type { Gap } from '../../domain/job.ts';
import { visible } from './names.ts';
import { count } from './units.ts';

const WHAT: Readonly<Record<Gap['class'], { readonly what: string; readonly todo: (job: string) => string }>> = {
  failed: {
    what: 'items that could not be read or scanned',
    todo: (job) => `see why with: dsx ledger show ${job} --outcome failed; mend it and retry: dsx retry ${job}`,
  },
  unscannable: {
    what: 'items that the scanner could not judge (encrypted, too large, not supported)',
    todo: (job) => `look at them yourself: dsx ledger show ${job} --outcome unscannable`,
  },
  inconclusive: {
    what: 'items without a verdict that counts',
    todo: (job) => `see what the scanner said: dsx ledger show ${job} --outcome inconclusive`,
  },
  folder_unreadable: {
    what: 'folders that could not be listed; nothing below them was scanned',
    todo: () => 'let the worker read them and scan again',
  },
  listing_broken: {
    what: 'the listing broke before its end; what lies behind was not scanned',
    todo: () => 'check the storage and scan again',
  },
  action_failed: {
    what: 'actions on findings that failed or were refused',
    todo: (job) => `see why with: dsx ledger show ${job} --actions; mend it and scan again`,
  },
  action_waiting: {
    what: 'actions on findings that were not begun, or wait for approval',
    todo: (job) => `see them with: dsx ledger show ${job} --actions; decide with: dsx approvals`,
  },
  empty_asset: {
    what: 'nothing is listed where the last scan found items',
    todo: () => 'check that the storage is mounted and the path is right, and scan again',
  },
  other_device: {
    what: 'the folder lies on another device than at the last scan',
    todo: () => 'check that the right storage is mounted, and scan again',
  },
  events_dropped: {
    what: 'events that waited when the job was cancelled, or can not be read any more; what they told of was not scanned',
    todo: () => 'scan the connector to find what they were about',
  },
};

/** Gaps that are or are not: their count says nothing. */
export const UNCOUNTED: ReadonlySet<Gap['class']> = new Set(['listing_broken', 'empty_asset', 'other_device']);

/** One gap: what it is, an example, and what to do about it. Indented lines. */
export function gapLines(gap: Gap, job: string): string[] {
  const { what, todo } = WHAT[gap.class] ?? { what: visible(gap.class), todo: () => 'see the ledger' };
  const counts = UNCOUNTED.has(gap.class) ? '' : `: ${count(gap.count)}`;
  return [
    `  ${what}${counts}`,
    ...(gap.detail === undefined ? [] : [`    for example: ${visible(gap.detail)}`]),
    `    ${todo(job)}`,
  ];
}

/** How many things the gaps stand for. */
export function gapCount(gaps: readonly Gap[]): number {
  return gaps.reduce((sum, gap) => sum + gap.count, 0);
}
