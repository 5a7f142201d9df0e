import { type Dispatcher, request } from 'undici';
import { CodedError, systemCode } from '../../domain/errors.ts';
import { TargetError } from '../../net/errors.ts';
import { createGuardedAgent } from '../../net/guarded-agent.ts';
import { checkTarget } from '../../net/target.ts';
import { ConnectorError } from '../errors.ts';
import type { RemoteSettings } from './settings.ts';
import { type Authorization, createSigning } from './signing.ts';

/** How long the head of an answer, and each part of its body, may take, in milliseconds. */
const ANSWER_MS = 60_000;
/** Longest JSON answer, in bytes. */
const MOST_JSON = 1024 * 1024;

/** An answer whose body is still to be read. */
export interface RemoteAnswer {
  readonly status: number;
  /** Media type, lower-case, without parameters. */
  readonly type: string;
  /** What the head promises; undefined where it promises nothing. */
  readonly length: number | undefined;
  readonly body: Dispatcher.ResponseData['body'];
}

/** The HTTP service of a remote connector. */
export interface RemoteService {
  /** @param target below its address, as `read_file` or `full_scan?job_id=x`. @throws ConnectorError when there is no answer */
  ask(method: 'GET' | 'POST' | 'PUT', target: string, body: unknown, signal: AbortSignal): Promise<RemoteAnswer>;
  /** The same; the whole of a JSON object. A body that is none, or is too long, is undefined. */
  askJson(
    method: 'GET' | 'POST' | 'PUT',
    target: string,
    body: unknown,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly json: Readonly<Record<string, unknown>> | undefined }>;
  close(): Promise<void>;
}

/** @throws ConnectorError `configuration` for an address that may not be asked */
export function createRemoteService(settings: RemoteSettings): RemoteService {
  const { id, model, allowed } = settings;
  const signing = createSigning(settings);
  const base = baseOf(settings);
  const agent = createGuardedAgent({ allowed, answerMs: ANSWER_MS, connections: 64 });

  async function ask(method: 'GET' | 'POST' | 'PUT', target: string, body: unknown, signal: AbortSignal) {
    const url = new URL(`${base}/${target}`);
    const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body), 'utf8');
    const send = (authorization: Authorization) =>
      request(url, {
        dispatcher: agent,
        method,
        signal,
        headers: {
          ...(bytes.length > 0 && { 'content-type': 'application/json' }),
          ...(authorization !== undefined && { authorization }),
        },
        ...(bytes.length > 0 && { body: bytes }),
      });
    try {
      const answer = await signing.signed(
        { method, target: `${url.pathname}${url.search}`, body: bytes },
        send,
        isRefused,
      );
      // A failed read of the body reaches whoever reads it; nobody else need hear of it.
      answer.body.on('error', () => undefined);
      return { status: answer.statusCode, ...headOf(answer.headers), body: answer.body };
    } catch (error) {
      signal.throwIfAborted();
      throw unanswered(id, model.name, error);
    }
  }

  return {
    ask,
    async askJson(method, target, body, signal) {
      const answer = await ask(method, target, body, signal);
      const text = await textOf(answer, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        throw unanswered(id, model.name, error);
      });
      return { status: answer.status, json: objectOf(text) };
    },
    close: () => agent.close(),
  };
}

/** Its signature was not taken: nothing was done, and the rest of the answer is let go. */
async function isRefused({ statusCode, body }: Dispatcher.ResponseData): Promise<boolean> {
  if (statusCode !== 401) return false;
  body.on('error', () => undefined);
  await body.dump();
  return true;
}

function baseOf({ id, model, allowed }: RemoteSettings): string {
  try {
    return checkTarget(model.url, allowed).href.replace(/\/+$/, '');
  } catch (cause) {
    if (!(cause instanceof TargetError)) throw cause;
    throw new ConnectorError('configuration', `remote connector ${id}: ${cause.message}`, { cause });
  }
}

function headOf(headers: Dispatcher.ResponseData['headers']): Pick<RemoteAnswer, 'type' | 'length'> {
  const { 'content-type': type, 'content-length': length } = headers;
  const bytes = typeof length === 'string' && /^\d{1,15}$/.test(length) ? Number(length) : undefined;
  return { type: typeof type === 'string' ? (type.split(';', 1)[0] ?? '').trim().toLowerCase() : '', length: bytes };
}

/** The text of a short answer; empty for one that is too long. */
async function textOf({ body }: RemoteAnswer, signal: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    signal.throwIfAborted();
    bytes += chunk.length;
    if (bytes > MOST_JSON) return '';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** An address that may not be asked is for somebody to mend; what broke in the middle may go well the next time. */
function unanswered(id: string, name: string, error: unknown): ConnectorError {
  const refused = error instanceof TargetError ? error : error instanceof Error ? error.cause : undefined;
  const who = `remote connector ${name} (${id})`;
  if (refused instanceof TargetError && refused.code !== 'unresolvable') {
    return new ConnectorError('configuration', `${who}: ${refused.message}`, { cause: error });
  }
  const code = error instanceof CodedError ? error.code : (systemCode(error) ?? 'no answer');
  return new ConnectorError('unreachable', `${who} gives no answer (${code})`, { cause: error });
}
