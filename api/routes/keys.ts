import * as schemas from '../access-schemas.ts';
import type { Keys } from '../auth/keys.ts';
import { ApiProblem } from '../problems.ts';
import { type Route, route } from '../route.ts';

const LEDGER = ['ledger_unavailable', 'ledger_full'] as const;

/** API keys: who may ask, and what. */
export function keyRoutes(keys: Keys | undefined): readonly Route[] {
  const here = (): Keys => {
    if (keys !== undefined) return keys;
    const detail =
      'Without DSXCONNECT_API_KEY_FILE everybody on this machine is admin, so a key would say nothing. Set it first.';
    throw new ApiProblem('keys_off', detail);
  };
  return [
    route({
      method: 'GET',
      path: '/keys',
      summary: 'All keys that were ever made, in the order of their making; never the keys themselves.',
      role: 'admin',
      answers: { 200: schemas.keyList },
      problems: ['keys_off', 'ledger_unavailable'],
      handle: async () => ({ status: 200, body: { keys: await here().list() } }),
    }),
    route({
      method: 'POST',
      path: '/keys',
      summary: 'Makes a key. The answer shows it, and nothing does so again.',
      role: 'admin',
      json: schemas.newKeyBody,
      answers: { 201: schemas.newKeyAnswer },
      problems: ['keys_off', 'key_name_taken', ...LEDGER],
      handle: async ({ body: { name, role, expiresAt }, actor }) => {
        const wish = { name, role, ...(expiresAt !== undefined && { expiresAt }) };
        return { status: 201, body: await here().create(wish, actor) };
      },
    }),
    route({
      method: 'POST',
      path: '/keys/:key/rotate',
      summary: 'Makes a key with the name and role of another one, which counts no more after a while.',
      role: 'admin',
      params: schemas.keyParams,
      json: schemas.rotateKeyBody,
      optionalBody: true,
      answers: { 201: schemas.newKeyAnswer },
      problems: ['keys_off', 'key_not_found', 'key_ended', ...LEDGER],
      handle: async ({ params, body: { graceSeconds = schemas.GRACE, expiresAt }, actor }) => {
        const options = { graceSeconds, ...(expiresAt !== undefined && { expiresAt }) };
        return { status: 201, body: await here().rotate(params.key, options, actor) };
      },
    }),
    route({
      method: 'DELETE',
      path: '/keys/:key',
      summary: 'Revokes a key: within five seconds no server takes it any more.',
      role: 'admin',
      params: schemas.keyParams,
      answers: { 200: schemas.keyResource },
      problems: ['keys_off', 'key_not_found', ...LEDGER],
      handle: async ({ params, actor }) => ({ status: 200, body: await here().revoke(params.key, actor) }),
    }),
  ];
}
