import { connect, createServer, type Server, type Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeMany } from '../support/files.ts';
import { Plant } from '../support/plant.ts';

const FILES = 1_500;
let plant: Plant;
let link: Link;

/** A connection to a server that can be made to swallow everything, and closes nothing. */
class Link {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cut = false;

  private constructor(upstream: number) {
    this.#server = createServer((client) => {
      const server = connect(upstream, '127.0.0.1');
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        this.#sockets.add(from);
        from.on('error', () => to.destroy());
        from.on('close', () => to.destroy());
        from.on('data', (data) => {
          if (!this.#cut) to.write(data);
        });
      }
    });
  }

  static async to(upstream: number): Promise<Link> {
    const link = new Link(upstream);
    await new Promise<void>((resolve) => link.#server.listen(0, '127.0.0.1', resolve));
    return link;
  }

  get address(): string {
    const at = this.#server.address();
    return `127.0.0.1:${typeof at === 'object' ? at?.port : ''}`;
  }

  cut(): void {
    this.#cut = true;
  }

  /** Connections of before are dropped: what they carried is lost. */
  mend(): void {
    this.#cut = false;
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  close(): void {
    this.mend();
    this.#server.close();
  }
}

beforeAll(async () => {
  plant = await Plant.start({ latencyMs: 100, workers: 8 });
  link = await Link.to(Number(plant.temporal.address.split(':')[1]));
});
afterAll(async () => {
  await plant.stop();
  link.close();
});

it('a worker that is cut off from Temporal begins nothing more, and goes on when it is back; nothing is lost', async () => {
  const folder = path.join(plant.folder, 'cut-off');
  writeMany(folder, FILES);
  await plant.worker({ TEMPORAL_ADDRESS: link.address });
  const scan = await plant.start({}, { source: plant.source(folder) });
  await plant.untilPart(scan.job);
  link.cut();
  // Five seconds of silence, an unanswered question, and what was in hand.
  await pause(9_000);
  const scans = plant.standin.stats().scans;
  expect(scans).toBeLessThan(FILES - 300);
  await pause(4_000);
  expect(plant.standin.stats().scans).toBe(scans);
  link.mend();
  plant.standin.setOptions({ latencyMs: 0 });
  expect(await scan.result()).toMatchObject({
    state: 'completed',
    listed: FILES,
    counters: { outcomes: { clean: FILES } },
  });
}, 120_000);
