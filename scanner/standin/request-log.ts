import { closeSync, openSync, writeSync } from 'node:fs';

/** One request as the stand-in saw it. Times are Unix time in milliseconds. Secrets are never in it. */
export interface SeenRequest {
  readonly received: number;
  readonly answered: number;
  readonly path: string;
  /** The address that the client spoke to, as its `Host` header says it: a proxy on the way shows here. */
  readonly host?: string;
  /** Bytes of the body that arrived. */
  readonly bytes: number;
  /** Of the whole body; empty when it did not arrive whole. */
  readonly sha256: string;
  readonly metadata?: string;
  readonly entity?: string;
  /** Which token headers came, and that they did; not what they held. */
  readonly auth?: string;
  /** A password for archives came; not what it was. */
  readonly password?: true;
  readonly chunked?: boolean;
  /** 0: no answer was given. */
  readonly status: number;
  readonly verdict?: string;
  /** The scan id that the answer carried. */
  readonly scanId?: string;
  readonly fault?: string;
}

/** Requests on disk: each is handed to the system before its answer goes out, so that even SIGKILL loses none. */
export interface RequestLog {
  /** Appends, then calls `then`. What one turn of the event loop brings goes out in one write. */
  append(request: SeenRequest, then: () => void): void;
  close(): void;
}

export function openRequestLog(path: string): RequestLog {
  const fd = openSync(path, 'a');
  let lines = '';
  let after: (() => void)[] = [];
  let closed = false;

  function flush(): void {
    if (closed) return;
    const text = Buffer.from(lines);
    const ready = after;
    lines = '';
    after = [];
    for (let at = 0; at < text.length; ) at += writeSync(fd, text, at);
    for (const then of ready) then();
  }

  return {
    append(request, then) {
      if (closed) return;
      if (after.length === 0) setImmediate(flush);
      lines += `${JSON.stringify(request)}\n`;
      after.push(then);
    },
    close() {
      if (closed) return;
      if (after.length > 0) flush();
      closed = true;
      closeSync(fd);
    },
  };
}
