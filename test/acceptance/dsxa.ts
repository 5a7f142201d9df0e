import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/**
 * What the product takes for a scanner that may judge: it answers as DSXA does, without the header by which a stand-in is
 * known. Finds everything benign, one body at a time for each of its workers.
 */
export class Dsxa {
  /** Must come in `AUTH`; undefined: anybody may ask. */
  token: string | undefined;
  latencyMs = 0;
  workers = 4;
  /** Bodies judged so far. */
  scans = 0;
  #busy = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  static async start(port = 0): Promise<Dsxa> {
    const dsxa = new Dsxa();
    await new Promise<void>((resolve) => dsxa.#server.listen(port, '127.0.0.1', resolve));
    return dsxa;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const hash = createHash('sha256');
    let bytes = 0;
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        hash.update(chunk);
        bytes += chunk.length;
      }
    } catch {
      // Whoever asked has gone.
      return;
    }
    if (this.token !== undefined && request.headers.auth !== this.token) {
      response.writeHead(401).end();
      return;
    }
    if (this.latencyMs > 0) await this.#work();
    this.scans += 1;
    const answer = {
      scan_guid: randomUUID(),
      verdict: 'Benign',
      verdict_details: { event_description: 'File identified as benign' },
      file_info: { file_type: 'OOXMLFileType', file_size_in_bytes: bytes, file_hash: hash.digest('hex') },
      scan_duration_in_microseconds: this.latencyMs * 1000,
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  async #work(): Promise<void> {
    if (this.#busy >= this.workers) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#busy += 1;
    await pause(this.latencyMs);
    this.#busy -= 1;
    this.#waiting.shift()?.();
  }
}
