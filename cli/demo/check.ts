import type { ApiClient } from '../../api/client.ts';
import type { JobResource } from '../../api/contract.ts';
import type { ActionRow } from '../../domain/action.ts';
import { locationBytes } from '../../domain/item.ts';
import { OUTCOMES, type OutcomeRow } from '../../domain/outcome.ts';
import { visible, visibleBytes } from '../render/names.ts';
import type { Corpus, LocationKey } from './corpus.ts';
import { compareFacts, type Facts, sha256Of, snapshot } from './snapshot.ts';

/** The sample and what links lead to, entry by entry. */
export interface Before {
  readonly folder: ReadonlyMap<LocationKey, Facts>;
  readonly outside: ReadonlyMap<LocationKey, Facts>;
}

export async function takeSnapshots(corpus: Corpus): Promise<Before> {
  return { folder: await snapshot(corpus.folder), outside: await snapshot(corpus.outside) };
}

export interface ToCheck {
  readonly corpus: Corpus;
  readonly before: Before;
  readonly job: JobResource;
  readonly client: Pick<ApiClient, 'outcomes' | 'actions'>;
  /** Problems that verifying the ledger against the root finds. */
  readonly verify: () => Promise<readonly string[]>;
}

/**
 * Compares the account of a scan with action `move` with what the folder holds, without trusting the account: every
 * difference in a sentence, none when it is exact.
 */
export async function checkAccount(to: ToCheck): Promise<string[]> {
  const { corpus, before, job } = to;
  const differences: string[] = [];
  const unlike = (what: string, got: unknown, want: unknown): void => {
    if (got !== want) differences.push(`${what}: ${String(got)}, but it must be ${String(want)}`);
  };
  unlike('the sample before the scan holds items', before.folder.size, corpus.expected.listed);
  unlike('listed', job.listed, corpus.expected.listed);
  for (const outcome of OUTCOMES) {
    unlike(outcome, job.counters.outcomes[outcome], corpus.expected.outcomes[outcome]);
  }
  unlike('state', job.state, corpus.expected.outcomes.unscannable > 0 ? 'completed_with_gaps' : 'completed');
  unlike('rows judged by the stand-in', job.counters.standIn, judged(corpus));
  unlike('actions done', job.actions.done, corpus.expected.moved.size);
  differences.push(...(await checkRows(to)));
  differences.push(...(await checkQuarantine(to)));
  differences.push(...(await checkUntouched(to)));
  for (const problem of await to.verify()) differences.push(`the ledger: ${problem}`);
  return differences;
}

function judged(corpus: Corpus): number {
  const { clean, malicious, unscannable } = corpus.expected.outcomes;
  return clean + malicious + unscannable;
}

/** One row for each item, with the outcome that its maker meant it to have. */
async function checkRows({ corpus, job, client }: ToCheck): Promise<string[]> {
  const differences: string[] = [];
  const missing = new Map(corpus.expected.items);
  for await (const row of allOutcomes(client, job.job)) {
    const key = keyOf(row);
    const want = corpus.expected.items.get(key);
    if (want === undefined) differences.push(`${name(key)} has a row, but is not in the sample`);
    else if (!missing.delete(key)) differences.push(`${name(key)} has more than one row`);
    else if (row.outcome !== want.outcome || (want.reason !== undefined && row.reason !== want.reason)) {
      const got = [row.outcome, row.reason, row.note].filter((part) => part !== undefined).join(', ');
      differences.push(`${name(key)} is ${visible(got)}, but must be ${want.outcome} ${want.reason ?? ''}`.trimEnd());
    }
  }
  for (const key of missing.keys()) differences.push(`${name(key)} has no row`);
  return differences;
}

/** What was moved lies in quarantine, byte for byte, and nothing else does. */
async function checkQuarantine({ corpus, job, client }: ToCheck): Promise<string[]> {
  const differences: string[] = [];
  const missing = new Map(corpus.expected.moved);
  const destinations = new Set<string>();
  for await (const row of allActions(client, job.job)) {
    const key = keyOf(row);
    const want = corpus.expected.moved.get(key);
    if (want === undefined || !missing.delete(key)) {
      differences.push(`${name(key)} has an action that it must not have`);
    } else if (row.state !== 'done' || row.destination === undefined) {
      differences.push(`${name(key)} was to be moved, but that is ${row.state} ${row.code ?? ''}`.trimEnd());
    } else {
      destinations.add(row.destination);
      const got = await sha256Of(row.destination).catch((error: unknown) => `not readable (${String(error)})`);
      if (got !== want) differences.push(`${visible(row.destination)} in quarantine has SHA-256 ${got}, not ${want}`);
    }
  }
  for (const key of missing.keys()) differences.push(`${name(key)} was not moved`);
  if (destinations.size !== corpus.expected.moved.size) {
    differences.push(`${destinations.size} places in quarantine for ${corpus.expected.moved.size} items`);
  }
  const quarantine = job.settings.quarantine;
  if (quarantine === undefined) return [...differences, 'the account names no quarantine'];
  for (const key of (await snapshot(quarantine)).keys()) {
    const path = `${quarantine}/${key}`;
    // Beside each item its record may lie, which has the item's name and more.
    const known = destinations.has(path) || [...destinations].some((destination) => path.startsWith(`${destination}.`));
    if (!known) differences.push(`${name(key)} is in quarantine, and no action put it there`);
  }
  return differences;
}

/** The originals are gone, and everything else is as it was, byte for byte, links and their targets too. */
async function checkUntouched({ corpus, before }: ToCheck): Promise<string[]> {
  const after = await takeSnapshots(corpus);
  const differences = compareFacts(before.outside, after.outside, new Map(), 'beside the sample, ');
  return [...differences, ...compareFacts(before.folder, after.folder, corpus.expected.moved)];
}

async function* allOutcomes(client: ToCheck['client'], job: string): AsyncGenerator<OutcomeRow> {
  let after: string | undefined;
  do {
    const page = await client.outcomes(job, { limit: 50, ...(after !== undefined && { after }) });
    yield* page.rows;
    after = page.next;
  } while (after !== undefined);
}

async function* allActions(client: ToCheck['client'], job: string): AsyncGenerator<ActionRow> {
  let after: string | undefined;
  do {
    const page = await client.actions(job, { limit: 50, ...(after !== undefined && { after }) });
    yield* page.rows;
    after = page.next;
  } while (after !== undefined);
}

function keyOf(row: { location: string; locationBytes?: string }): LocationKey {
  return locationBytes(row).toString('latin1');
}

function name(key: LocationKey): string {
  return visibleBytes(Buffer.from(key, 'latin1'));
}
