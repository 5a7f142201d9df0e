import type { z } from 'zod';
import { connectorList, scannerCheckAnswer } from '../answer-schemas.ts';
import { withEvents } from '../connector-events.ts';
import { withWatchStates } from '../connector-watches.ts';
import type { ScannerCheckAnswer } from '../contract.ts';
import { type ApiDeps, DEFAULT_SCANNER, type NamedScanner } from '../deps.ts';
import { ApiProblem } from '../problems.ts';
import { scannerQuery } from '../request-schemas.ts';
import { type Call, type Method, type Reply, type Route, route } from '../route.ts';
import { chooseScanner } from '../start-request.ts';

/** How long the connection test of a scanner may take, in milliseconds. */
const PROBE_MS = 20_000;

export function connectorRoutes(deps: ApiDeps): readonly Route[] {
  const testScanner = async ({ query }: Call<undefined, z.output<typeof scannerQuery>, undefined>): Promise<Reply> => {
    const chosen = chosenOr(deps, query.scanner);
    if (chosen instanceof ApiProblem) return { status: 200, body: without(chosen) };
    const { name, standIn, scanner } = chosen;
    const deadline = AbortSignal.timeout(PROBE_MS);
    try {
      const report = await scanner.probe(deadline);
      return { status: 200, body: told({ scanner: name, ...report, standIn: standIn || report.standIn }) };
    } catch (error) {
      if (!deadline.aborted) throw error;
      const detail = `Scanner ${name} did not answer within ${PROBE_MS / 1000} s.`;
      return {
        status: 200,
        body: told({ scanner: name, ok: false, code: 'scan_timeout', detail, standIn, elapsedMs: PROBE_MS }),
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
        const all = await withEvents(deps, [...deps.settings.connectors, ...remotes]);
        const connectors = await withWatchStates(deps, all);
        return { status: 200, body: { connectors } };
      },
    }),
  ];
}

type Report = Pick<ScannerCheckAnswer, 'scanner' | 'ok' | 'code' | 'detail' | 'standIn' | 'elapsedMs'>;

/** With the words of the former product beside ours. */
function told(report: Report): ScannerCheckAnswer {
  const status = report.ok ? 'success' : 'error';
  const message = report.ok ? 'Connected to DSXA' : report.detail;
  return { ...report, status, message, description: report.detail, id: null, preview: null };
}

/** A problem of the choice is thrown only to who made one: who names no scanner is told that there is none to be asked. */
function chosenOr(deps: ApiDeps, wanted: string | undefined): NamedScanner | ApiProblem {
  try {
    return chooseScanner(deps, wanted ?? onlyScanner(deps));
  } catch (error) {
    if (wanted === undefined && error instanceof ApiProblem) return error;
    throw error;
  }
}

function without({ code, message }: ApiProblem): ScannerCheckAnswer {
  return told({ scanner: DEFAULT_SCANNER, ok: false, code, detail: message, standIn: false, elapsedMs: 0 });
}

/** Where one scanner alone is configured, that is the one meant. */
function onlyScanner(deps: ApiDeps): string | undefined {
  return deps.scanners.length === 1 ? deps.scanners[0]?.name : undefined;
}
