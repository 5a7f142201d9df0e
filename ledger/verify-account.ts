import { ACTION_STATES } from '../domain/action.ts';
import type { Gap } from '../domain/job.ts';
import { type Counters, rowsOf } from '../domain/outcome.ts';
import type { Account, JobHeader } from './types.ts';
import type { ActionCheck } from './verify-actions.ts';
import { sameCounters, type Told } from './verify-listing.ts';
import type { Problems } from './verify-report.ts';

/** What the pages that count came to, by their own lines. */
export interface Sums {
  readonly items: number;
  readonly bytes: number;
  readonly counters: Counters;
}

/** Checks the account of a job that has ended against everything that was read. */
export function checkAccount(
  account: Account,
  header: JobHeader,
  told: Told,
  sums: Sums,
  actions: ActionCheck,
  problems: Problems,
): void {
  const wrong = (message: string): void => problems.add('account', told.head, `The account: ${message}.`);
  const equal = (what: string, said: number, is: number): void => {
    if (said !== is) wrong(`it says ${said} ${what}, and there are ${is}`);
  };
  equal('items listed', account.listed, sums.items);
  equal('bytes listed', account.listedBytes, sums.bytes);
  equal('entries outside the scope', account.outside, told.outside);
  if (!sameCounters(account.counters, sums.counters)) wrong('its counters are not the sums of the rows');
  for (const state of ACTION_STATES) equal(`actions ${state}`, account.actions[state], actions.states[state]);
  const lists = header.kind !== 'apply';
  if (lists && account.listingDone && !told.listingDone)
    wrong('it says that the listing was finished, and no index does');

  const gaps = (of: Gap['class']): number =>
    account.gaps.filter((gap) => gap.class === of).reduce((sum, gap) => sum + gap.count, 0);
  if (account.state === 'completed' || account.state === 'completed_with_gaps') {
    equal('rows', rowsOf(account.counters), sums.items);
    if (!account.listingDone) wrong(`it says ${account.state}, and that the listing was not finished`);
    for (const outcome of ['failed', 'unscannable', 'inconclusive'] as const) {
      equal(`items in the gap ${outcome}`, gaps(outcome), sums.counters.outcomes[outcome]);
    }
    if (header.kind !== 'on-access')
      equal('folders in the gap folder_unreadable', gaps('folder_unreadable'), told.folderGaps);
    else if (gaps('events_dropped') < told.folderGaps)
      wrong(
        `it says ${gaps('events_dropped')} events in the gap events_dropped, and ${told.folderGaps} could not be read`,
      );
    for (const page of told.pages) {
      if (page.counts && page.result === undefined)
        wrong(`it says ${account.state}, and page ${page.entry.page} was not closed`);
    }
  }
  if (account.state === 'completed' && account.gaps.length > 0) wrong('it says completed, and has gaps');
  if (account.state === 'completed_with_gaps' && account.gaps.length === 0)
    wrong('it says completed_with_gaps, and has none');
  if ((account.state === 'failed') !== (account.failure !== undefined)) wrong('its state and its failure do not agree');
  for (const page of told.pages) {
    if (page.result?.partial !== true || account.state === 'cancelled' || account.state === 'failed') continue;
    wrong(`it says ${account.state}, and page ${page.entry.page} is partial`);
  }
  if (header.settings.action !== 'nothing') {
    const covered = gaps('action_failed') + gaps('action_waiting');
    if (covered < actions.open + actions.without) {
      const open = `${actions.without} malicious items have no action row, and ${actions.open} actions came to nothing`;
      wrong(`${open}; its gaps stand for ${covered} of them`);
    }
  }
}
