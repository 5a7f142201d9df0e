import { type Reply, STAND_IN_SERVER } from './judge.ts';
import { readRetryAfter } from './retry.ts';

/** Longest answer that is read, in bytes. */
export const ANSWER_LIMIT = 2 ** 20;

/** An answer as it arrives. `status` is 0 until its head has come. */
export class ReplyReader {
  status = 0;
  #standIn = false;
  #retryAfterMs: number | undefined;
  #bytes = 0;
  readonly #chunks: Buffer[] = [];

  begin(status: number, headers: Record<string, string | string[] | undefined>): void {
    this.status = status;
    this.#standIn = single(headers.server)?.startsWith(STAND_IN_SERVER) === true;
    const retryAfter = headers['retry-after'];
    if (retryAfter !== undefined) this.#retryAfterMs = readRetryAfter(single(retryAfter), Date.now());
  }

  /** False when the answer is longer than the limit: the rest is not kept. */
  add(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    if (this.#bytes > ANSWER_LIMIT) return false;
    this.#chunks.push(chunk);
    return true;
  }

  reply(): Reply {
    const body = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
    return {
      status: this.status,
      standIn: this.#standIn,
      retryAfterMs: this.#retryAfterMs,
      body: body?.toString('utf8') ?? '',
    };
  }
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
