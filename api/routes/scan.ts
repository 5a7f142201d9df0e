import { z } from 'zod';
import { isFinal } from '../../domain/job.ts';
import type { JobLedger } from '../../ledger/ledger.ts';
import { MAX_ROWS, pageOutcomes } from '../../ledger/outcomes.ts';
import type { StartRequest } from '../../workflows/messages.ts';
import { scanBodyAnswer, scanItemsAnswer } from '../answer-schemas.ts';
import { mediaType } from '../body.ts';
import type { ScanBodyAnswer, ScanItemsAnswer, ScanItemsBody } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { boundBefore, idempotencyKey, isKeyed, keyed } from '../idempotency.ts';
import type { Jobs } from '../jobs.ts';
import { ApiProblem } from '../problems.ts';
import { scanItemsBody, scannerQuery } from '../request-schemas.ts';
import { type Call, type Route, route } from '../route.ts';
import { links } from '../start-job.ts';
import { chooseScanner, itemsRequest, meetConnector } from '../start-request.ts';

export function scanRoutes(deps: ApiDeps, jobs: Jobs): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/scan',
      summary:
        'Scans named items of a connector (JSON), or a body whose bytes are never stored (application/octet-stream).',
      role: 'operator',
      idempotent: true,
      query: scannerQuery,
      json: scanItemsBody,
      stream: 'application/octet-stream',
      answers: { 200: z.union([scanBodyAnswer, scanItemsAnswer]), 202: scanItemsAnswer },
      problems: [
        'connector_not_found',
        'idempotency_mismatch',
        'scanner_not_named',
        'scanner_unknown',
        'standin_refused',
        'scanner_failed',
        'scanner_unavailable',
        'no_worker',
        'temporal_unreachable',
        'ledger_unavailable',
        'ledger_full',
      ],
      handle: async (call) => {
        if (mediaType(call.request) === 'application/octet-stream') {
          return { status: 200, body: await scanBody(deps, call, call.query.scanner) };
        }
        const answer = await scanItems(deps, jobs, call);
        return { status: answer.rows === undefined ? 202 : 200, body: answer };
      },
    }),
  ];
}

async function scanItems(
  deps: ApiDeps,
  jobs: Jobs,
  call: Call<undefined, { scanner?: string | undefined }, z.output<typeof scanItemsBody>>,
): Promise<ScanItemsAnswer> {
  if (call.query.scanner !== undefined) {
    throw new ApiProblem(
      'request_invalid',
      'query: scanner: only for a body of bytes; with JSON it is a field of the body.',
    );
  }
  const body: ScanItemsBody = call.body;
  const { waitSeconds = 0, ...asked } = body;
  const key = idempotencyKey(call.request);
  await meetConnector(deps, body.connector);
  const plain = itemsRequest(deps, body, call.actor);
  const request = key === undefined ? plain : keyed(plain, key, asked);
  const { job } = request;
  const ledger = (await deps.ledger.open()).job(job);
  const repeated = await startItems(deps, request, ledger, body.items);
  jobs.remember(job, `requested-scan:${job}`);
  const leave = AbortSignal.any([call.signal, deps.stopping]);
  const answer = { job, ...(repeated && { repeated }), links: { self: links(job).self } };
  // A repeat may be of a job that Temporal has long forgotten.
  const known = repeated ? (await jobs.get(job)).state : 'running';
  if (!isFinal(known) && !(await deps.control.untilEnded(job, waitSeconds * 1000, leave))) {
    return { ...answer, state: known };
  }
  const { state } = await jobs.get(job);
  if (!isFinal(state)) return { ...answer, state };
  const rows = [];
  let after: string | undefined;
  do {
    const page = await pageOutcomes(ledger, { limit: MAX_ROWS, ...(after !== undefined && { after }) });
    rows.push(...page.rows);
    after = page.next;
  } while (after !== undefined);
  return { ...answer, state, rows };
}

/** Writes the items down and starts their scan. True when an idempotency key had done so before. */
async function startItems(
  deps: ApiDeps,
  request: StartRequest,
  ledger: JobLedger,
  items: ScanItemsBody['items'],
): Promise<boolean> {
  const exact = items.map(({ location, locationBytes }) => exactItem(location, locationBytes));
  if (!isKeyed(request)) {
    await deps.control.startRequested({ ...request, intake: await ledger.writeIntake(exact) });
    return false;
  }
  if ((await boundBefore(deps, request)) !== undefined) return true;
  const { repeated } = await deps.control.start({ ...request, intake: await ledger.writeIntake(exact) });
  return repeated === true;
}

/** @throws ApiProblem when the exact bytes of a location are not what they claim to stand for */
function exactItem(location: string, locationBytes: string | undefined) {
  if (locationBytes === undefined) return { location };
  const bytes = Buffer.from(locationBytes, 'base64');
  if (bytes.toString('utf8') !== location) {
    throw new ApiProblem('request_invalid', 'body: items: locationBytes and location name different items.');
  }
  return { location, locationBytes };
}

/** Streams the body to the scanner; nothing of it is kept. */
async function scanBody(
  deps: ApiDeps,
  { request, signal }: Pick<Call<undefined, unknown, unknown>, 'request' | 'signal'>,
  wanted: string | undefined,
): Promise<ScanBodyAnswer> {
  const { scanner, standIn } = chooseScanner(deps, wanted);
  const announced = request.headers['content-length'];
  const size = announced === undefined ? undefined : Number(announced);
  const tooLarge = (): ApiProblem =>
    new ApiProblem('body_too_large', `This scanner takes ${scanner.maxBytes} bytes at most.`, {
      extra: { limit: scanner.maxBytes },
    });
  if (size !== undefined && size > scanner.maxBytes) throw tooLarge();
  const judged = await scanner.scan({ size, body: chunksOf(request) }, signal);
  if (judged.partial) throw tooLarge();
  return {
    outcome: judged.outcome,
    ...(judged.reason !== undefined && { reason: judged.reason }),
    sha256: judged.sha256,
    size: judged.bytes,
    verdict: judged.verdict,
    standIn: standIn || judged.scanner.standIn,
  };
}

/** How long nothing of a body may come, in milliseconds, while the scanner waits for it. */
const SILENCE_MS = 30_000;

/** The chunks of a body. Leaving early keeps the connection, so that the answer still reaches the client. */
async function* chunksOf(request: Call<never, never, never>['request']): AsyncGenerator<Uint8Array, void, void> {
  const chunks = request.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]();
  const silence = new ApiProblem('body_timeout', `Nothing of the body came for ${SILENCE_MS / 1000} s.`);
  try {
    for (;;) {
      let late: NodeJS.Timeout | undefined;
      const silent = new Promise<never>((_, reject) => {
        late = setTimeout(() => reject(silence), SILENCE_MS);
      });
      const next = await Promise.race([chunks.next(), silent]).finally(() => clearTimeout(late));
      if (next.done === true) return;
      yield next.value as Uint8Array;
    }
  } catch (cause) {
    if (cause === silence) throw cause;
    throw new ApiProblem('bad_request', 'The connection was closed before the body was whole.', { cause });
  } finally {
    chunks.return?.().catch(() => undefined);
  }
}
