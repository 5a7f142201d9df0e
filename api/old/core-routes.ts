import { z } from 'zod';
import type { ApiDeps } from '../deps.ts';
import { ApiProblem } from '../problems.ts';
import type { Call, Method, Reply, Route } from '../route.ts';
import { knownConnectors } from './known-connectors.ts';
import { connectorModel, modelOf } from './models.ts';
import { anyObject, oldRoute, oldWord, statusResponse, toldAs } from './old-route.ts';
import { forConnectors } from './shown-config.ts';

const change = z.object({ scan_binary_url: z.string().max(4_096).nullish() });
const changed = z.object({
  scanner: z.object({ base_url: z.string(), scan_binary_url: z.string() }),
  persistence: z.object({ applied: z.literal(false), detail: z.string() }),
});

/** What the former product told of itself. */
export function oldCoreRoutes(deps: ApiDeps): readonly Route[] {
  const config = (): Record<string, unknown> => {
    return { ...deps.settings.shown, auth: { enabled: deps.settings.key !== undefined } };
  };
  const put = (method: Method): Route =>
    oldRoute({
      method,
      path: '/config',
      summary: 'Refused: the scanner is set in the configuration. What asks for nothing new is accepted.',
      role: 'admin',
      json: change,
      answers: { 200: changed },
      problems: ['bad_request', 'not_supported'],
      handle: async ({ body }: Call<undefined, unknown, z.output<typeof change>>): Promise<Reply> => {
        const asked = body.scan_binary_url;
        if (asked === undefined || asked === null) {
          throw oldWord('bad_request', 'no_fields_to_update', 'Only scan_binary_url can be named.');
        }
        if (asked.trim() === '') {
          throw oldWord('bad_request', 'scan_binary_url cannot be empty', 'Name the address of the scanner.');
        }
        const scanner = deps.settings.shown?.scanner as { base_url: string; scan_binary_url: string } | undefined;
        if (scanner === undefined || asked.trim() !== scanner.scan_binary_url) {
          const detail =
            'The scanner is set in the configuration of the API and of every worker (DSXA_SCANNER_URL); a change here would reach none of them.';
          throw new ApiProblem('not_supported', detail);
        }
        const { base_url, scan_binary_url } = scanner;
        const persistence = { applied: false, detail: 'disabled_by_config' };
        return { status: 200, body: { scanner: { base_url, scan_binary_url }, persistence } };
      },
    });

  return [
    oldRoute({
      method: 'GET',
      path: '/config',
      summary: 'The settings, without secrets. Without a key only what connectors need.',
      role: 'none',
      greets: true,
      answers: { 200: anyObject },
      handle: async ({ caller }) => ({ status: 200, body: caller === undefined ? forConnectors(config()) : config() }),
    }),
    put('PUT'),
    put('POST'),
    oldRoute({
      method: 'GET',
      path: '/test/connection',
      summary: 'The process answers. Needs no key.',
      role: 'none',
      answers: { 200: statusResponse },
      handle: async () => ({ status: 200, body: toldAs('success', 'Connection to dsx-connect successful') }),
    }),
  ];
}

/** Comes before `connectors/:id` in the table: a connector of this name is found by its UUID alone. */
export function connectorListRoute(deps: ApiDeps): Route {
  return oldRoute({
    method: 'GET',
    path: '/connectors/list',
    summary: 'The connectors, each under its UUID.',
    role: 'viewer',
    answers: { 200: z.array(connectorModel) },
    handle: async () => ({ status: 200, body: (await knownConnectors(deps)).map(modelOf) }),
  });
}
