import type { z } from 'zod';
import { connectorList, scannerCheckAnswer } from '../answer-schemas.ts';
import { withEvents } from '../connector-events.ts';
import type { ApiDeps } from '../deps.ts';
import { scannerQuery } from '../request-schemas.ts';
import { type Call, type Method, type Reply, type Route, route } from '../route.ts';
import { chooseScanner } from '../start-request.ts';

/** How long the connection test of a scanner may take, in milliseconds. */
const PROBE_MS = 20_000;

export function connectorRoutes(deps: ApiDeps): readonly Route[] {
  const testScanner = async ({ query }: Call<undefined, z.output<typeof scannerQuery>, undefined>): Promise<Reply> => {
    const { name, standIn, scanner } = chooseScanner(deps, query.scanner ?? onlyScanner(deps));
    const deadline = AbortSignal.timeout(PROBE_MS);
    try {
      const report = await scanner.probe(deadline);
      return { status: 200, body: { scanner: name, ...report, standIn: standIn || report.standIn } };
    } catch (error) {
      if (!deadline.aborted) throw error;
      const detail = `Scanner ${name} did not answer within ${PROBE_MS / 1000} s.`;
      return {
        status: 200,
        body: { scanner: name, ok: false, code: 'scan_timeout', detail, standIn, elapsedMs: PROBE_MS },
      };
    }
  };
  const testRoute = (method: Method): Route =>
    route({
      method,
      path: '/test/dsxa-connection',
      summary: 'Asks a scanner for a verdict on a tiny harmless body, and tells what came back.',
      role: 'operator',
      audit: 'none',
      query: scannerQuery,
      answers: { 200: scannerCheckAnswer },
      problems: ['scanner_not_named', 'scanner_unknown', 'standin_refused'],
      handle: testScanner,
    });

  return [
    testRoute('GET'),
    testRoute('POST'),
    route({
      method: 'GET',
      path: '/connectors',
      summary: 'The connectors of the configuration, and those that registered by themselves.',
      role: 'viewer',
      answers: { 200: connectorList },
      handle: async () => {
        const remotes = (await deps.remote?.remotes.list()) ?? [];
        const connectors = await withEvents(deps, [...deps.settings.connectors, ...remotes]);
        return { status: 200, body: { connectors } };
      },
    }),
  ];
}

/** Where one scanner alone is configured, that is the one meant. */
function onlyScanner(deps: ApiDeps): string | undefined {
  return deps.scanners.length === 1 ? deps.scanners[0]?.name : undefined;
}
