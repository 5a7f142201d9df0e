import type { Access } from './auth/access.ts';
import { auditedBody } from './auth/audit.ts';
import { problemOf } from './problem-of.ts';
import { ApiProblem } from './problems.ts';
import type { Around, Call, Reply, Route } from './route.ts';

/** Most event streams that one caller has open at once, of this process. */
export const STREAMS_PER_CALLER = 50;
/** Most event streams of this process at once: each is a connection. */
export const MAX_STREAMS = 600;

/** How often the key of an open stream is looked at, in milliseconds. */
const KEY_LOOK_MS = 2_000;

/** What stands around every call: the audit log, and how many streams a caller holds, and for how long. */
export function createAround({ audit, isLive }: Pick<Access, 'audit' | 'isLive'>): Around {
  const streams = new Map<string, number>();
  let open = 0;

  /** A stream ends with its key, or when nobody can tell any more whether the key counts: the client comes back and is told. */
  function endWithKey(key: string, { response }: Call<never, never, never>): void {
    const look = setInterval(() => {
      isLive(key).then(
        (live) => live || response.destroy(),
        () => response.destroy(),
      );
    }, KEY_LOOK_MS).unref();
    response.once('close', () => clearInterval(look));
  }

  function holdStream(call: Call<never, never, never>): void {
    const { actor, caller, response } = call;
    const held = streams.get(actor) ?? 0;
    if (held >= STREAMS_PER_CALLER) {
      const detail = `${STREAMS_PER_CALLER} event streams of this caller are open. Close one.`;
      throw new ApiProblem('too_many_requests', detail, { extra: { retryAfterSeconds: 5 } });
    }
    if (open >= MAX_STREAMS) {
      throw new ApiProblem('too_many_streams', `${MAX_STREAMS} event streams are open already.`);
    }
    open += 1;
    streams.set(actor, held + 1);
    if (caller?.key !== undefined) endWithKey(caller.key, call);
    response.once('close', () => {
      open -= 1;
      const left = (streams.get(actor) ?? 1) - 1;
      if (left === 0) streams.delete(actor);
      else streams.set(actor, left);
    });
  }

  return {
    async run(found, call) {
      if (Object.values(found.answers).includes('stream')) holdStream(call);
      if (found.audit === 'none') return found.handle(call);
      const entry = entryOf(found, call);
      let reply: Reply;
      try {
        reply = await found.handle(call);
      } catch (error) {
        const { status, code } = problemOf(error);
        await audit({ ...entry, at: new Date().toISOString(), status, code });
        throw error;
      }
      const job = jobOf(reply !== undefined && 'body' in reply ? reply.body : undefined);
      const status = reply?.status ?? call.response.statusCode;
      await audit({ ...entry, at: new Date().toISOString(), status, ...(job !== undefined && { job }) });
      return reply;
    },
    async refused(found, caller, request) {
      if (found.audit === 'none') return;
      const { actor, role, key } = caller;
      const from = request.socket.remoteAddress;
      await audit({
        at: new Date().toISOString(),
        actor,
        role,
        ...(key !== undefined && { key }),
        ...(from !== undefined && { from }),
        action: nameOf(found),
        params: { ...request.params },
        status: 403,
        code: 'forbidden',
      });
    },
  };
}

function entryOf(found: Route, { actor, caller, params, body, request }: Call<never, never, never>) {
  const from = request.socket.remoteAddress;
  const kept = found.audit === 'whole' ? auditedBody(body) : undefined;
  return {
    actor,
    role: caller?.role ?? 'none',
    ...(caller?.key !== undefined && { key: caller.key }),
    ...(from !== undefined && { from }),
    action: nameOf(found),
    ...(params !== undefined && { params: params as Record<string, unknown> }),
    ...(kept !== undefined && { body: kept }),
  };
}

function nameOf({ method, path }: Route): string {
  return `${method} ${path}`;
}

/** The job that an answer names. */
function jobOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('job' in body)) return undefined;
  return typeof body.job === 'string' ? body.job : undefined;
}
