import * as schemas from '../access-schemas.ts';
import type { ApiDeps } from '../deps.ts';
import { type Route, route } from '../route.ts';

/** Who changed what. */
export function auditRoutes(deps: ApiDeps): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/audit',
      summary: 'Changes of state and refused attempts at them, each with its actor, newest first.',
      role: 'admin',
      query: schemas.auditQuery,
      answers: { 200: schemas.auditList },
      problems: ['ledger_unavailable'],
      handle: async ({ query: { limit, actor, after } }) => {
        const { audit } = await deps.ledger.open();
        const page = await audit.page({
          limit,
          ...(actor !== undefined && { actor }),
          ...(after !== undefined && { after }),
        });
        const entries = page.entries.map(({ format: _, ...entry }) => entry);
        return { status: 200, body: { entries, ...(page.next !== undefined && { next: page.next }) } };
      },
    }),
  ];
}
