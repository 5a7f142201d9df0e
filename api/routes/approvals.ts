import { countWaiting, parseSpans, type Verdict } from '../../domain/approval.ts';
import { applyWorkflowId, type DecideRequest, type GateView } from '../../workflows/messages.ts';
import * as answers from '../answer-schemas.ts';
import { decisionOf, summaryOf, waitingOf } from '../approvals.ts';
import type { DecideSourceAnswer } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { newJobId } from '../job-id.ts';
import type { Jobs } from '../jobs.ts';
import { ApiProblem } from '../problems.ts';
import * as requests from '../request-schemas.ts';
import { type Route, route } from '../route.ts';
import { links } from '../start-job.ts';

/** Findings that wait for somebody's decision, and the decisions. */
export function approvalRoutes(deps: ApiDeps, jobs: Jobs): readonly Route[] {
  const viewOf = async (source: string): Promise<GateView> => {
    const view = SOURCE_ID.test(source) ? await deps.control.gate(source) : undefined;
    if (view !== undefined) return view;
    if (!deps.settings.connectors.some(({ id }) => id === source)) {
      const detail = `Nothing waits at ${JSON.stringify(source)}, and there is no connector of this id.`;
      throw new ApiProblem('source_not_found', detail);
    }
    return { source: { kind: 'connector', id: source }, waiting: [], decided: [], permits: [] };
  };

  const decide = (verdict: Verdict): Route =>
    route({
      method: 'POST',
      path: `/approvals/:source/${verdict}`,
      summary: DECISIONS[verdict],
      role: 'operator',
      params: requests.sourceParams,
      json: requests.decideBody,
      answers: { 200: answers.decideSourceAnswer },
      problems: ['source_not_found', 'list_changed', 'not_waiting', 'no_worker', 'temporal_unreachable'],
      handle: async ({ params: { source }, body, actor }) => {
        const { through, list, reason } = body;
        if (countWaiting((await viewOf(source)).waiting) === 0) {
          throw new ApiProblem('not_waiting', `Nothing waits for approval at ${source}.`);
        }
        const only = body.only === undefined ? undefined : parseSpans(body.only);
        const request: DecideRequest = {
          verdict,
          through,
          list,
          ...(only !== undefined && { only }),
          actor,
          ...(reason !== undefined && { reason }),
          job: newJobId(),
        };
        const { decision, waiting } = await deps.control.decide(source, request);
        for (const { job } of decision.jobs)
          jobs.remember(job, applyWorkflowId(job, { ...ANY_ORDER, at: decision.at }));
        const told = decisionOf(decision);
        const answer: DecideSourceAnswer = {
          source,
          ...told,
          jobs: told.jobs.map((one) => ({ ...one, links: { self: links(one.job).self } })),
          waiting,
        };
        return { status: 200, body: answer };
      },
    });

  return [
    route({
      method: 'GET',
      path: '/approvals',
      summary: 'Sources where findings wait for approval, or were decided about lately.',
      role: 'viewer',
      answers: { 200: answers.approvalList },
      problems: ['no_worker', 'temporal_unreachable'],
      handle: async () => {
        const sources = [];
        const ids = await deps.control.gates();
        for (let at = 0; at < ids.length; at += AT_ONCE) {
          const views = await Promise.all(ids.slice(at, at + AT_ONCE).map((id) => deps.control.gate(id)));
          sources.push(...views.filter((view) => view !== undefined).map(summaryOf));
        }
        return { status: 200, body: { sources } };
      },
    }),
    route({
      method: 'GET',
      path: '/approvals/:source',
      summary: 'Findings of a source that wait for approval, in their sequence, and the latest decisions.',
      role: 'viewer',
      params: requests.sourceParams,
      query: requests.approvalsQuery,
      answers: { 200: answers.sourceApprovals },
      problems: ['source_not_found', 'no_worker', 'temporal_unreachable', 'ledger_unavailable'],
      handle: async ({ params, query }) => {
        const view = await viewOf(params.source);
        return { status: 200, body: await waitingOf(view, await deps.ledger.open(), query) };
      },
    }),
    decide('approve'),
    decide('reject'),
  ];
}

/** Gates that are asked at the same time. */
const AT_ONCE = 20;

/** What can be the id of a source; anything else is not looked for. */
const SOURCE_ID = /^[a-z0-9-]{1,100}$/;

/** The workflow of a job that a decision started has the job's name, whatever was decided. */
const ANY_ORDER = { why: 'approved', job: '', by: '' } as const;

const DECISIONS: Readonly<Record<Verdict, string>> = {
  approve: 'Lets the actions on findings that were shown be carried out, by a job of their own.',
  reject: 'Takes findings that were shown off the list: nothing is done to them.',
};
