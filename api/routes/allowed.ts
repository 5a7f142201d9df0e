import type { ApiDeps } from '../deps.ts';
import { ApiProblem } from '../problems.ts';
import * as answers from '../quarantine-schemas.ts';
import * as requests from '../request-schemas.ts';
import { type Route, route } from '../route.ts';

/** Bytes that are allowed by their hash, whatever the scanner says of them. */
export function allowedRoutes(deps: ApiDeps): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/allowed',
      summary: 'What is allowed by SHA-256, and what no longer is: the newest entry of each hash, by hash.',
      role: 'viewer',
      query: requests.allowedQuery,
      answers: { 200: answers.allowedList },
      problems: ['ledger_unavailable'],
      handle: async ({ query: { limit, after } }) => {
        const { allowed } = await deps.ledger.open();
        const page = await allowed.page({ limit, ...(after !== undefined && { after }) });
        const entries = page.entries.map(({ format: _, ...entry }) => entry);
        return { status: 200, body: { entries, ...(page.next !== undefined && { next: page.next }) } };
      },
    }),
    route({
      method: 'POST',
      path: '/allowed',
      summary: 'Allows bytes by their SHA-256, or revokes that. Every worker heeds it within seconds.',
      role: 'admin',
      json: requests.allowBody,
      answers: { 201: answers.allowAnswer },
      problems: ['not_allowed', 'ledger_unavailable', 'ledger_full'],
      handle: async ({ body: { sha256, reason, revoke }, actor }) => {
        const book = (await deps.ledger.open()).allowed;
        const allowed = revoke !== true;
        if (!allowed && (await book.newest(sha256))?.allowed !== true) {
          throw new ApiProblem('not_allowed', `${sha256} is not allowed, so there is nothing to revoke.`);
        }
        const { format: _, ...entry } = await book.append({ sha256, allowed, by: actor, reason });
        return { status: 201, body: entry };
      },
    }),
  ];
}
