import {
  countWaiting,
  lastOf,
  listHash,
  type Order,
  type Span,
  spansText,
  tidySpans,
  type Waiting,
} from '../../domain/approval.ts';
import { ACTIONS_WINDOW, type ScanSettings, type Source } from '../../domain/job.ts';
import {
  type AskAnswer,
  type AskRequest,
  type DecideAnswer,
  type DecideRequest,
  type Decision,
  type GateView,
  type IntentPicks,
  REFUSAL,
  type StartRequest,
} from '../messages.ts';
import { type Permit, recent, withPermits } from './permits.ts';

/** Stretches of waiting findings that are kept: some 300 bytes each, and Temporal takes 2 MiB in all. */
export const MAX_STRETCHES = 1_000;
/** Requests whose answer is remembered: a job has four of them under way at most. */
const REMEMBERED = 1_000;
/** Decisions are shown for so long, and so many of them; the ledgers of their jobs keep them for good. */
const SHOWN_MS = 30 * 86_400_000;
const SHOWN_DECISIONS = 100;
/** Numbers of findings that they name in all, in stretches. */
const SHOWN_SPANS = 5_000;

interface Binding {
  readonly settings: ScanSettings;
  readonly site?: string;
}

/** Everything the gate of a source must not forget: names of our own and numbers, never items. Carried over continue-as-new. */
export interface GateState {
  readonly source: Source;
  /** The next finding that waits gets this number. */
  nextSequence: number;
  permits: readonly Permit[];
  /** The longest window that anybody asked with, in milliseconds. */
  horizonMs: number;
  /** By sequence number. */
  waiting: Waiting[];
  /** What is needed to carry out findings of a job: kept while one of them waits. Jobs that are alike share one entry. */
  bindings: readonly Binding[];
  /** Index of the binding, by job. */
  jobs: Record<string, number>;
  /** Answers by request, oldest first. */
  asked: [request: string, answer: AskAnswer][];
  decided: Decision[];
}

/**
 * The brake of a source: how many item actions may be carried out, which findings wait, and what was decided about them.
 * Deterministic, knows nothing of Temporal.
 */
export class Gate {
  readonly state: GateState;

  constructor(state: GateState) {
    this.state = state;
  }

  static begin(source: Source): Gate {
    return new Gate({
      source,
      nextSequence: 1,
      permits: [],
      horizonMs: 0,
      waiting: [],
      bindings: [],
      jobs: {},
      asked: [],
      decided: [],
    });
  }

  /** Grants what the window has room for; the rest waits. A repeated request gets the answer it had. */
  ask(request: AskRequest, now: number): AskAnswer {
    const { state } = this;
    const { job, intents, from, to, settings } = request;
    const key = `${job} ${intents.hash} ${from}-${to}`;
    const known = state.asked.find(([asked]) => asked === key);
    if (known !== undefined) return known[1];
    const windowMs = (settings.maxActionsWindow ?? ACTIONS_WINDOW) * 1000;
    state.horizonMs = Math.max(state.horizonMs, windowMs);
    const room = (settings.maxActions ?? Number.MAX_SAFE_INTEGER) - recent(state.permits, now, windowMs);
    const granted = Math.max(0, Math.min(to - from, room));
    state.permits = withPermits(state.permits, now, granted, state.horizonMs);
    const rest = to - from - granted;
    const waiting = rest > 0 && this.#wait(request, from + granted, to, now) ? rest : 0;
    const answer = { granted, waiting };
    state.asked = [...state.asked, [key, answer] as [string, AskAnswer]].slice(-REMEMBERED);
    return answer;
  }

  /** False when the list is full. */
  #wait({ job, intents, settings, site }: AskRequest, from: number, to: number, now: number): boolean {
    const { state } = this;
    const last = state.waiting.at(-1);
    const first = state.nextSequence;
    if (last?.job === job && last.intents.name === intents.name && last.to === from && lastOf(last) === first - 1) {
      state.waiting[state.waiting.length - 1] = { ...last, to };
    } else if (state.waiting.length >= MAX_STRETCHES) {
      return false;
    } else {
      state.waiting.push({ first, job, intents, from, to, since: new Date(now).toISOString() });
    }
    state.nextSequence += to - from;
    this.#bind(job, { settings, ...(site !== undefined && { site }) });
    return true;
  }

  #bind(job: string, binding: Binding): void {
    const text = JSON.stringify(binding);
    const known = this.state.bindings.findIndex((one) => JSON.stringify(one) === text);
    this.state.jobs[job] = known < 0 ? this.state.bindings.length : known;
    if (known < 0) this.state.bindings = [...this.state.bindings, binding];
  }

  /** Forgets jobs that nothing waits of any more. */
  #unbind(): void {
    const { jobs, bindings, waiting } = this.state;
    this.state.jobs = {};
    this.state.bindings = [];
    for (const job of new Set(waiting.map((one) => one.job))) {
      const binding = bindings[jobs[job] ?? -1];
      if (binding !== undefined) this.#bind(job, binding);
    }
  }

  /** Why a decision must not be taken, or undefined. */
  refusal({ through, list, only }: DecideRequest): { type: string; message: string } | undefined {
    const { waiting, source } = this.state;
    if (waiting.length === 0)
      return { type: REFUSAL.notWaiting, message: `nothing waits for approval at ${source.id}` };
    if (listHash(waiting, through) !== list || !waiting.some((one) => through >= one.first && through <= lastOf(one))) {
      const message = `the list of waiting findings of ${source.id} up to ${through} is no longer the one with the hash ${list}: others have decided meanwhile, or it was another list. Look at it again`;
      return { type: REFUSAL.listChanged, message };
    }
    const missing = (only ?? []).find((span) => span[1] > through || !this.#allWait(span));
    if (missing === undefined) return undefined;
    return {
      type: REFUSAL.notWaiting,
      message: `${spansText([missing])} is not among what waits at ${source.id} up to ${through}`,
    };
  }

  #allWait([first, last]: Span): boolean {
    let at = first;
    for (const one of this.state.waiting) {
      if (at < one.first) return false;
      if (at <= lastOf(one)) at = lastOf(one) + 1;
      if (at > last) return true;
    }
    return false;
  }

  /** Takes the findings off the list, and says which apply jobs are to be started for them. Ask for `refusal` before. */
  decide(request: DecideRequest, now: number): { answer: DecideAnswer; starts: StartRequest[] } {
    const { state } = this;
    const { verdict, through, list, actor, reason } = request;
    const spans = tidySpans(request.only ?? [[1, through]]);
    const chosen = new Map<string, Map<string, { intents: IntentPicks['intents']; picks: Span[] }>>();
    const decided: Span[] = [];
    state.waiting = state.waiting.flatMap((one) => {
      const taken = spans
        .map(([first, last]): Span => [Math.max(first, one.first), Math.min(last, lastOf(one), through)])
        .filter(([first, last]) => first <= last);
      decided.push(...taken);
      const picks = taken.map(([first, last]): Span => [one.from + first - one.first, one.from + last - one.first]);
      if (picks.length > 0) {
        const ofJob = chosen.get(one.job) ?? new Map();
        chosen.set(one.job, ofJob);
        const known = ofJob.get(one.intents.name);
        if (known === undefined) ofJob.set(one.intents.name, { intents: one.intents, picks });
        else known.picks.push(...picks);
      }
      return without(one, taken);
    });
    const at = new Date(now).toISOString();
    const why: Order['why'] = verdict === 'approve' ? 'approved' : 'rejected';
    const starts = [...chosen].map(([of, objects], i): StartRequest => {
      const picks: IntentPicks[] = [...objects.values()];
      const findings = picks.reduce((sum, one) => sum + count(one.picks), 0);
      const { settings, site } = state.bindings[state.jobs[of] ?? -1] as Binding;
      return {
        job: i === 0 ? request.job : `${request.job}-${i + 1}`,
        kind: 'apply',
        source: state.source,
        settings,
        ...(site !== undefined && { site }),
        actor,
        order: { why, job: of, by: actor, at, ...(reason !== undefined && { reason }), findings, through, list },
        picks,
      };
    });
    this.#unbind();
    const decision: Decision = {
      verdict,
      by: actor,
      at,
      ...(reason !== undefined && { reason }),
      through,
      list,
      findings: tidySpans(decided),
      count: count(decided),
      jobs: starts.map(({ job, order }) => ({ job, of: order?.job ?? '', findings: order?.findings ?? 0 })),
    };
    state.decided = shown([...state.decided, decision]);
    return { answer: { decision, waiting: countWaiting(state.waiting) }, starts };
  }

  view(): GateView {
    const { source, waiting, decided, permits } = this.state;
    return { source, waiting, decided, permits };
  }

  /** Milliseconds until nothing of this need be remembered any more; 0: now; undefined: something waits. */
  idleIn(now: number): number | undefined {
    const { waiting, permits, horizonMs, decided } = this.state;
    if (waiting.length > 0) return undefined;
    const last = decided.at(-1);
    const forgotten = Math.max(
      (permits.at(-1)?.at ?? 0) + horizonMs,
      last === undefined ? 0 : Date.parse(last.at) + SHOWN_MS,
    );
    return Math.max(0, forgotten - now);
  }
}

/** The latest decisions, as many as are shown; the last one in any case. */
function shown(decisions: readonly Decision[]): Decision[] {
  let spans = 0;
  const first = decisions.findLastIndex((one, i) => {
    spans += one.findings.length;
    return i < decisions.length - 1 && (i < decisions.length - SHOWN_DECISIONS || spans > SHOWN_SPANS);
  });
  return decisions.slice(first + 1);
}

/** What is left of a stretch without some of its findings, given in order. */
function without(one: Waiting, taken: readonly Span[]): Waiting[] {
  const left: Waiting[] = [];
  let first = one.first;
  const keep = (before: number): void => {
    if (before <= first) return;
    const from = one.from + first - one.first;
    left.push({ ...one, first, from, to: from + before - first });
  };
  for (const [start, end] of taken) {
    keep(start);
    first = end + 1;
  }
  keep(lastOf(one) + 1);
  return left;
}

function count(spans: readonly Span[]): number {
  return spans.reduce((sum, [first, last]) => sum + last - first + 1, 0);
}
