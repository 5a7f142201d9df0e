import { pageQuarantine } from '../../ledger/quarantine.ts';
import { quarantinedItem } from '../../ledger/quarantined-item.ts';
import * as answers from '../answer-schemas.ts';
import type { ApiDeps } from '../deps.ts';
import { idempotencyKey } from '../idempotency.ts';
import type { Jobs } from '../jobs.ts';
import { quarantineList } from '../quarantine-schemas.ts';
import * as requests from '../request-schemas.ts';
import { restoreRequest } from '../restore-request.ts';
import { type Route, route } from '../route.ts';
import { startFollower } from '../start-follower.ts';
import { startJob } from '../start-job.ts';

/** What item actions took away, and the way back. */
export function quarantineRoutes(deps: ApiDeps, jobs: Jobs): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/quarantine',
      summary: 'What is in quarantine, by the action rows: newest job first, without what was put back.',
      role: 'viewer',
      query: requests.quarantineQuery,
      answers: { 200: quarantineList },
      problems: ['ledger_unavailable'],
      handle: async ({ query: { limit, source, after } }) => {
        const { items, next } = await pageQuarantine(await deps.ledger.open(), {
          limit,
          ...(source !== undefined && { source }),
          ...(after !== undefined && { after }),
        });
        return { status: 200, body: { items: items.map(quarantinedItem), ...(next !== undefined && { next }) } };
      },
    }),
    route({
      method: 'POST',
      path: '/jobs/:job/restore',
      summary: 'Puts back what a job moved or tagged, where nothing else has its name; by a job of its own.',
      role: 'operator',
      idempotent: true,
      params: requests.jobParams,
      json: requests.restoreBody,
      optionalBody: true,
      answers: { 201: answers.startJobAnswer, 200: answers.startJobAnswer },
      problems: [
        'job_not_found',
        'nothing_to_restore',
        'idempotency_mismatch',
        'connector_not_found',
        'connector_changed',
        'folder_scans_off',
        'no_worker',
        'temporal_unreachable',
        'ledger_unavailable',
      ],
      handle: async ({ params: { job: of }, body, actor, request }) => {
        const key = idempotencyKey(request);
        // The kind is that of an apply: the same key for both must not pass as a repeat.
        const asked = { kind: 'apply', of, actor, key, body: { restore: body } } as const;
        const answer = await startFollower(deps, jobs, asked, async (keyed) =>
          startJob(deps, jobs, keyed(await restoreRequest(deps, jobs, of, body, actor))),
        );
        return { status: answer.joined || answer.repeated ? 200 : 201, body: answer };
      },
    }),
  ];
}
