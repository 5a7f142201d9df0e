import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { readBytes } from '../body.ts';
import type { Reply } from '../route.ts';

/** Largest body of a remote connector: each item of a batch brings the whole model of its connector along, with its icon. Bytes. */
export const MOST_BODY = 16 * 1024 * 1024;
/** Most bytes of bodies at once, of all callers: nobody has proven anything when they arrive. */
const MOST_HELD = 128 * 1024 * 1024;

/** An answer in the shape of the former product: `{"detail": …}`. */
export class OldRefusal extends Error {
  readonly reply: NonNullable<Reply>;

  constructor(status: number, what: unknown) {
    super(`HTTP ${status}`);
    this.reply = { status, body: { detail: what } };
  }
}

/** Reads bodies as they came, of any content type, within a bound for all of them together. */
export function createBodies() {
  let held = 0;
  return {
    /** Runs with the body. @throws ApiProblem `body_too_large`, `body_timeout`; OldRefusal 503 when too much arrives at once */
    async with<T>(request: IncomingMessage, use: (body: Buffer) => Promise<T>): Promise<T> {
      let own = 0;
      try {
        const body = await readBytes(
          request,
          (bytes) => {
            own += bytes;
            held += bytes;
            if (held > MOST_HELD) throw new OldRefusal(503, 'too_much_at_once');
          },
          MOST_BODY,
        );
        return await use(body);
      } finally {
        held -= own;
      }
    },
  };
}

/** JSON of whatever content type, by its schema. @throws OldRefusal 422 as FastAPI has it */
export function parsedBody<S extends z.ZodType>(schema: S, body: Buffer): z.output<S> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new OldRefusal(422, [{ loc: ['body'], msg: 'JSON decode error', type: 'json_invalid' }]);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, 20);
  throw new OldRefusal(
    422,
    issues.map(({ path, message, code }) => ({ loc: ['body', ...path], msg: message, type: code })),
  );
}
