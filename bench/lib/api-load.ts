import { connect, type Socket } from 'node:net';
import { Pool } from 'undici';

/** What a process of its own does to an API: requests at a rate, and streams that are read. */
export interface LoadOrder {
  readonly origin: string;
  readonly keys: readonly string[];
  /** Paths below the prefix, taken in turn. */
  readonly paths: readonly string[];
  readonly perSecond: number;
  readonly seconds: number;
  /** Paths of event streams; the callers take turns. */
  readonly streams: readonly string[];
}

export interface LoadReport {
  /** Milliseconds from when a request was due to its last byte, in order; by what was asked for. */
  readonly times: Readonly<Record<string, readonly number[]>>;
  /** Answers that were no 200, by status; 0: none. */
  readonly failures: Readonly<Record<number, number>>;
  readonly streams: { readonly opened: number; readonly cut: number; readonly events: number; readonly bytes: number };
  /** Bytes of answers. */
  readonly bytes: number;
  /** The longest time in which this process itself did not come to a request that was due, in milliseconds. */
  readonly late: number;
  /** CPU seconds that this process used. */
  readonly cpu: number;
}

const PREFIX = '/dsx-connect/api/v1';
const CONNECTIONS = 64;

/** A request is due at its time, whatever became of those before: a slow answer does not spare the server the next one. */
export async function putLoad(order: LoadOrder): Promise<LoadReport> {
  const { origin, keys, paths, perSecond, seconds } = order;
  const streams = await openStreams(order);
  const pool = new Pool(origin, { connections: CONNECTIONS, pipelining: 1 });
  const times: Record<string, number[]> = {};
  const failures: Record<number, number> = {};
  let bytes = 0;
  let late = 0;

  async function ask(at: number, due: number): Promise<void> {
    const path = paths[at % paths.length] ?? '';
    let status = 0;
    try {
      const answer = await pool.request({
        path: `${PREFIX}${path}`,
        method: 'GET',
        headers: { authorization: `Bearer ${keys[at % keys.length]}` },
      });
      status = answer.statusCode;
      for await (const chunk of answer.body) bytes += (chunk as Buffer).length;
    } catch {
      status = 0;
    }
    if (status !== 200) failures[status] = (failures[status] ?? 0) + 1;
    const kind = kindOf(path);
    const known = times[kind] ?? [];
    known.push(performance.now() - due);
    times[kind] = known;
  }

  const cpu = process.cpuUsage();
  const began = performance.now();
  const under: Promise<void>[] = [];
  const total = perSecond * seconds;
  for (let at = 0; at < total; ) {
    const now = performance.now();
    for (; at < total && began + (at * 1_000) / perSecond <= now; at++) {
      const due = began + (at * 1_000) / perSecond;
      late = Math.max(late, now - due);
      under.push(ask(at, due));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(under);
  const told = streams.close();
  await pool.close();
  for (const kind of Object.values(times)) kind.sort((a, b) => a - b);
  const { user, system } = process.cpuUsage(cpu);
  return { times, failures, streams: told, bytes, late, cpu: (user + system) / 1e6 };
}

/** `/jobs?limit=100` and `/jobs/x` as they are called in the table. */
function kindOf(path: string): string {
  return path.replace(/\?.*/, '').replace(/^\/jobs\/.+/, '/jobs/:job');
}

async function openStreams({ origin, keys, streams }: LoadOrder) {
  const { hostname, port } = new URL(origin);
  const told = { opened: 0, cut: 0, events: 0, bytes: 0 };
  let closing = false;
  const sockets = await Promise.all(
    streams.map(
      (path, at) =>
        new Promise<Socket>((resolve) => {
          const socket = connect(Number(port), hostname);
          const lines = [
            'Accept: text/event-stream',
            `Host: ${hostname}:${port}`,
            `Authorization: Bearer ${keys[at % keys.length]}`,
          ];
          socket.write(`GET ${PREFIX}${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
          socket.once('data', (head: Buffer) => {
            if (head.toString('latin1').startsWith('HTTP/1.1 200')) told.opened += 1;
            resolve(socket);
          });
          socket.on('data', (data: Buffer) => {
            told.bytes += data.length;
            for (let from = data.indexOf('\nevent: '); from >= 0; from = data.indexOf('\nevent: ', from + 8))
              told.events += 1;
          });
          socket.on('error', () => undefined);
          socket.once('close', () => {
            if (!closing) told.cut += 1;
            resolve(socket);
          });
        }),
    ),
  );
  return {
    close() {
      closing = true;
      for (const socket of sockets) socket.destroy();
      return told;
    },
  };
}

process.once('message', (order: LoadOrder) => {
  void putLoad(order).then((report) => process.send?.(report, () => process.disconnect()));
});
