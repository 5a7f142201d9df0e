import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Free ports are looked for below the range that systems take the ports of outgoing connections from, so that no connection
 * takes one between the look and the start of the server.
 */
const LOWEST = 15_000;
const HIGHEST = 32_000;

/** Whether a server can listen on this port now. */
export function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A port on which nothing listens, and which is not in `taken`; it is added there. */
export async function freePort(host: string, taken: Set<number>): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const port = randomInt(LOWEST, HIGHEST);
    if (taken.has(port) || !(await isFree(host, port))) continue;
    taken.add(port);
    return port;
  }
  throw new Error(`no free port found on ${host} between ${LOWEST} and ${HIGHEST}`);
}
