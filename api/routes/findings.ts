import { z } from 'zod';
import { ACTION_STATES } from '../../domain/action.ts';
import { type FoundRow, pageFindings } from '../../ledger/all-findings.ts';
import { actionRow, outcomeRow } from '../answer-schemas.ts';
import type { FindingResource } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { FINDING_FIELDS, fieldsQuery, withFields } from '../fields.ts';
import { limit } from '../request-schemas.ts';
import { type Route, route } from '../route.ts';

const text = (max: number) => z.string().min(1).max(max).optional();
const query = z.strictObject({
  source: text(200),
  since: z.iso.datetime({ offset: true }).optional(),
  threat: text(200),
  action: z.enum([...ACTION_STATES, 'none']).optional(),
  fields: fieldsQuery(FINDING_FIELDS),
  limit,
  after: text(2_000),
});

const finding = outcomeRow.partial().extend({
  job: z.string().optional(),
  source: z.string().optional(),
  action: actionRow.optional(),
});
const findingList = z.strictObject({
  findings: z.array(finding),
  damaged: z.array(z.string()).optional(),
  next: z.string().optional(),
});

/** What was found, whichever job found it. */
export function findingRoutes(deps: ApiDeps): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/findings',
      summary:
        'Malicious and blocked items of all jobs, newest job first, each with the latest row of its item action.',
      role: 'viewer',
      query,
      answers: { 200: findingList },
      problems: ['ledger_unavailable'],
      handle: async ({ query: { fields, ...asked } }) => {
        const filters = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
        const { found, damaged, next } = await pageFindings(await deps.ledger.open(), {
          limit: asked.limit,
          ...filters,
        });
        const body = {
          findings: withFields(found.map(resourceOf), fields),
          ...(damaged.length > 0 && { damaged }),
          ...(next !== undefined && { next }),
        };
        return { status: 200, body };
      },
    }),
  ];
}

function resourceOf({ job, source, row, action }: FoundRow): FindingResource {
  return { job, source, ...row, ...(action !== undefined && { action }) };
}
