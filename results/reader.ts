import { isFinding } from '../domain/outcome.ts';
import type { JobLedger } from '../ledger/job-ledger.ts';
import type { SentPlace } from '../ledger/result-cursors.ts';
import type { CommitBody, JobHeader } from '../ledger/types.ts';
import { actionMessage, outcomeMessage, type ResultMessage } from './message.ts';
import type { Sink } from './sink.ts';

/** Messages of one batch at most. */
export const BATCH = 500;

/** Messages to send next, and the place behind them. */
export interface Stretch {
  readonly messages: readonly ResultMessage[];
  readonly next: SentPlace;
  /** The job has ended, and this is the last of it. */
  readonly last: boolean;
}

/** The beginning of a job. */
export function beginOf(job: string): SentPlace {
  return { job, commit: 1, before: '-', object: 0, line: 0 };
}

/**
 * The results of a job behind a place, in the order of its commits, up to a batch. Undefined when nothing more is written down yet. A
 * chain that another one has overtaken (a workflow was reset) is sent from its beginning.
 * @throws LedgerError
 */
export async function readOn(job: JobLedger, place: SentPlace, send: Sink['send']): Promise<Stretch | undefined> {
  const header = await job.header();
  if (header === undefined) return undefined;
  const { links } = await job.chain();
  const known = place.commit === 1 ? '-' : links[place.commit - 2]?.hash;
  if (known !== place.before) return readOn(job, beginOf(place.job), send);
  const link = links[place.commit - 1];
  if (link === undefined) return undefined;
  const body = await job.readCommit(link.number, link.hash);
  const messages: ResultMessage[] = [];
  let { object, line } = place;
  for (const parts = partsOf(body, send); object < parts.length; object += 1, line = 0) {
    const all = await messagesOf(job, header, parts[object] as Part, send);
    const room = BATCH - messages.length;
    messages.push(...all.slice(line, line + room));
    if (all.length - line > room) return { messages, next: { ...place, object, line: line + room }, last: false };
  }
  const next = { job: place.job, commit: place.commit + 1, before: link.hash, object: 0, line: 0 };
  return { messages, next, last: link.final };
}

/** Commits of the job that were not sent whole. */
export async function commitsBehind(job: JobLedger, place: SentPlace): Promise<number> {
  return Math.max(0, (await job.chain()).links.length - place.commit + 1);
}

type Part = { readonly page: CommitBody['pages'][number] } | { readonly action: CommitBody['actions'][number] };

/** Objects with something to send: the outcomes of a commit before its actions. */
function partsOf({ pages, actions }: CommitBody, send: Sink['send']): Part[] {
  const wanted = pages.filter(({ counters: { outcomes } }) =>
    send === 'all' ? true : outcomes.malicious + outcomes.policy_blocked > 0,
  );
  return [...wanted.map((page) => ({ page })), ...actions.map((action) => ({ action }))];
}

async function messagesOf(job: JobLedger, header: JobHeader, part: Part, send: Sink['send']): Promise<ResultMessage[]> {
  if ('action' in part) return (await job.readActions(part.action.segment)).map((row) => actionMessage(header, row));
  const rows = await job.readSegment(part.page.segment);
  return rows.filter((row) => send === 'all' || isFinding(row.outcome)).map((row) => outcomeMessage(header, row));
}
