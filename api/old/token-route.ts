import { z } from 'zod';
import type { Route } from '../route.ts';
import { anyObject, oldRoute, oldWord } from './old-route.ts';

/** Gave connectors a token that nothing ever looked at: there is none. */
export function tokenRoute(): Route {
  return oldRoute({
    method: 'POST',
    path: '/connectors/token',
    summary: 'There are no such tokens: connectors sign what they send.',
    role: 'operator',
    audit: 'none',
    query: z.object({ connector_uuid: z.string().optional() }),
    answers: { 200: anyObject },
    problems: ['bad_request'],
    handle: async () => {
      throw oldWord('bad_request', 'auth_disabled', 'Connectors sign what they send; no token is needed or given.');
    },
  });
}
