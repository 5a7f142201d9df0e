import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../cli/stack/ports.ts';

const LOOPBACK = '127.0.0.1';
const READY_MS = 20_000;
const ANSWER_MS = 10_000;

/** A toxic as Toxiproxy knows it: what it does to the bytes that come from the server (`downstream`) or go to it. */
export interface Toxic {
  readonly type: 'reset_peer' | 'latency' | 'timeout' | 'bandwidth';
  readonly stream: 'upstream' | 'downstream';
  readonly attributes: Readonly<Record<string, number>>;
}

/** A Toxiproxy server of one's own, with a proxy for each link. */
export class Toxiproxy {
  readonly #child: ChildProcess;
  readonly #api: string;
  readonly #taken: Set<number>;

  private constructor(child: ChildProcess, api: string, taken: Set<number>) {
    this.#child = child;
    this.#api = api;
    this.#taken = taken;
  }

  /** @throws Error when it does not answer within 20 s */
  static async start(binary: string, log: string): Promise<Toxiproxy> {
    const taken = new Set<number>();
    const port = await freePort(LOOPBACK, taken);
    const out = openSync(log, 'a', 0o600);
    // In a group of its own, so that Ctrl-C in a terminal does not end it before the rest.
    const child = spawn(binary, ['-host', LOOPBACK, '-port', String(port)], {
      stdio: ['ignore', out, out],
      detached: true,
    });
    closeSync(out);
    const proxy = new Toxiproxy(child, `http://${LOOPBACK}:${port}`, taken);
    for (const deadline = Date.now() + READY_MS; ; ) {
      try {
        await proxy.#call('GET', '/version');
        return proxy;
      } catch (error) {
        if (child.exitCode !== null || Date.now() > deadline)
          throw new Error(`Toxiproxy does not start (${log})`, { cause: error });
        await pause(50);
      }
    }
  }

  /** Puts a proxy before `upstream` (host:port). @returns where clients of this link connect, host:port */
  async link(name: string, upstream: string): Promise<string> {
    const listen = `${LOOPBACK}:${await freePort(LOOPBACK, this.#taken)}`;
    await this.#call('POST', '/proxies', { name, listen, upstream, enabled: true });
    return listen;
  }

  /** One toxic of a kind at a time on a link; all connections of the link, those that are open too. */
  async add(link: string, toxic: Toxic): Promise<void> {
    await this.#call('POST', `/proxies/${encodeURIComponent(link)}/toxics`, {
      name: toxic.type,
      toxicity: 1,
      ...toxic,
    });
  }

  async remove(link: string, type: Toxic['type']): Promise<void> {
    await this.#call('DELETE', `/proxies/${encodeURIComponent(link)}/toxics/${type}`);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#child.kill('SIGKILL');
    await gone;
  }

  async #call(method: string, route: string, body?: unknown): Promise<void> {
    const answer = await fetch(`${this.#api}${route}`, {
      method,
      signal: AbortSignal.timeout(ANSWER_MS),
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`Toxiproxy answers ${answer.status} to ${method} ${route}: ${text}`);
  }
}
