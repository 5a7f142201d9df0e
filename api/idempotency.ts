import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { canonicalJson } from '../ledger/canonical-json.ts';
import type { StartAnswer, StartRequest } from '../workflows/messages.ts';
import { IDEMPOTENCY_KEY } from './contract.ts';
import type { ApiDeps } from './deps.ts';
import { ApiProblem } from './problems.ts';

/** A start that names a key, before it is sent anywhere. */
export type KeyedRequest = StartRequest & { readonly bodyHash: string };

export function isKeyed(request: StartRequest): request is KeyedRequest {
  return request.bodyHash !== undefined;
}

/** The request's `Idempotency-Key`, if it has one. @throws ApiProblem `request_invalid` for one that can't be */
export function idempotencyKey(request: Pick<IncomingMessage, 'headersDistinct'>): string | undefined {
  const given = request.headersDistinct['idempotency-key'];
  if (given === undefined) return undefined;
  const [key = ''] = given;
  if (given.length === 1 && IDEMPOTENCY_KEY.test(key)) return key;
  const message = 'must be 1 to 255 visible ASCII characters without spaces, and be sent once';
  throw new ApiProblem('request_invalid', `header: Idempotency-Key: ${message}.`, {
    extra: { in: 'header', errors: [{ field: 'Idempotency-Key', message }] },
  });
}

/** What a key is bound to: a job id that follows from kind, source, caller and key, and the hash of what a repeat must be equal in. */
export type Binding = Pick<KeyedRequest, 'job' | 'bodyHash'>;

export function bindingOf(
  { kind, source, actor }: Pick<StartRequest, 'kind' | 'source' | 'actor'>,
  key: string,
  asked: unknown,
): Binding {
  const of = [kind, source.id, actor, key];
  const id = createHash('sha256').update(JSON.stringify(of)).digest('hex').slice(0, 24);
  const bodyHash = createHash('sha256').update(canonicalJson(asked)).digest('hex');
  return { job: `job-k-${id}`, bodyHash };
}

/** The start of a request with a key: a repeat asks for the same job, also after its end. `asked`: what the repeat must be equal in. */
export function keyed(request: StartRequest, key: string, asked: unknown): KeyedRequest {
  return { ...request, ...bindingOf(request, key, asked) };
}

/**
 * What the key stands for already: the ledger knows it for good. Undefined when it was not used, or its job has not written its header yet
 * (then the workflow knows).
 * @throws ApiProblem `idempotency_mismatch`, LedgerError: without the ledger nobody can tell whether the job was done
 */
export async function boundBefore(deps: ApiDeps, { job, bodyHash }: Binding): Promise<StartAnswer | undefined> {
  const ledger = (await deps.ledger.open()).job(job);
  const header = await ledger.header();
  if (header !== undefined) {
    if (header.bodyHash !== bodyHash) throw mismatch(job);
    return { job, joined: false, repeated: true };
  }
  const join = (await ledger.readJoin())?.join;
  if (join === undefined) return undefined;
  if (join.bodyHash !== bodyHash) throw mismatch(join.joined);
  return { job: join.joined, joined: true, repeated: true };
}

function mismatch(job: string): ApiProblem {
  const detail = `This Idempotency-Key was used for another request, which is job ${job}. Take a new key for a new request.`;
  return new ApiProblem('idempotency_mismatch', detail, { extra: { job } });
}
