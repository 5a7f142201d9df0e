import type { ActionIntent } from '../domain/action.ts';
import { countWaiting, lastOf, listHash, type Waiting } from '../domain/approval.ts';
import { LedgerError } from '../ledger/errors.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Decision, GateView } from '../workflows/messages.ts';
import type { ApprovalList, DecisionResource, SourceApprovals, WaitingFinding } from './contract.ts';
import { ApiProblem } from './problems.ts';

/** Objects of intents that one answer reads at most; then it ends early, with `next`. */
const MAX_OBJECTS = 200;

/** One source in the list of all. */
export function summaryOf({ source, waiting, decided }: GateView): ApprovalList['sources'][number] {
  const since = waiting[0]?.since;
  const last = decided.at(-1);
  return {
    source,
    waiting: countWaiting(waiting),
    ...(since !== undefined && { since }),
    ...(last !== undefined && { decided: last.at }),
  };
}

/**
 * What waits at a source, from behind the sequence number `after`, read from the ledgers of the jobs that found it. `through`
 * and `list` name what is shown: a decision about it gives them back.
 * @throws LedgerError
 */
export async function waitingOf(
  view: GateView,
  ledger: Ledger,
  { limit, after = 0 }: { limit: number; after?: number | undefined },
): Promise<SourceApprovals> {
  const findings: WaitingFinding[] = [];
  let objects = 0;
  for (const one of view.waiting) {
    if (lastOf(one) <= after) continue;
    if (findings.length >= limit || objects++ >= MAX_OBJECTS) break;
    const intents = await intentsOf(ledger, one);
    for (let i = Math.max(0, after + 1 - one.first); i < intents.length && findings.length < limit; i++) {
      findings.push(findingOf(one, one.first + i, intents[i] as ActionIntent));
    }
  }
  const through = findings.at(-1)?.sequence;
  const end = view.waiting.at(-1);
  return {
    source: view.source,
    waiting: countWaiting(view.waiting),
    findings,
    ...(through !== undefined && { through, list: listHash(view.waiting, through) }),
    ...(through !== undefined && end !== undefined && lastOf(end) > through && { next: through }),
    decided: view.decided.map(decisionOf),
  };
}

async function intentsOf(ledger: Ledger, { job, intents, from, to }: Waiting): Promise<ActionIntent[]> {
  try {
    return (await ledger.job(job).readIntents(intents)).slice(from, to);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    const detail = `What job ${job} found can't be read: ${error.message}`;
    throw new ApiProblem('ledger_unavailable', detail, { cause: error, extra: { reason: error.code } });
  }
}

function findingOf({ job, since }: Waiting, sequence: number, intent: ActionIntent): WaitingFinding {
  const { finding, item, action, judged, destination, provenance } = intent;
  const { verdict, threatType, sha256, standIn, judgedAt } = provenance;
  return {
    sequence,
    job,
    finding,
    ...item,
    action,
    ...(destination !== undefined && { destination }),
    version: judged.version,
    size: judged.size,
    sha256,
    verdict,
    ...(threatType !== undefined && { threat: threatType }),
    standIn,
    judgedAt,
    since,
  };
}

export function decisionOf({ findings, ...decision }: Decision): DecisionResource {
  return { ...decision, findings: findings.map(([first, last]) => [first, last]) };
}
