import path from 'node:path';
import { createClient } from 'redis';
import { expect, vi } from 'vitest';
import { verifyJob } from '../../ledger/verify.ts';
import { createRedisStatus } from '../../status/redis-status.ts';
import type { StatusStore } from '../../status/status.ts';
import { REFRESH_MS } from '../../workers/status-loop.ts';
import { type RealApi, startRealApi } from './api.ts';
import { EICAR, writeFiles, writeMany } from './files.ts';
import { Plant, type ScanHandle, type WorkerProcess } from './plant.ts';
import { startValkey, type ValkeyServer } from './valkey.ts';

/** A round itself takes its time on a busy machine. */
const SLACK_MS = 7_000;
/** Within one refresh. */
export const WITHIN = { timeout: REFRESH_MS + SLACK_MS, interval: 20 };
const FILES = 400;
export const FINDINGS = 12;
export const LISTED = FILES + FINDINGS;

/** A plant with a Redis to lose, an API, and one worker process. */
export class StatusPlant {
  readonly plant: Plant;
  redis: ValkeyServer;
  readonly status: StatusStore;
  readonly api: RealApi;
  worker!: WorkerProcess;
  #folders = 0;

  constructor(plant: Plant, redis: ValkeyServer, status: StatusStore, api: RealApi) {
    this.plant = plant;
    this.redis = redis;
    this.status = status;
    this.api = api;
  }

  static async start(): Promise<StatusPlant> {
    const [plant, redis] = await Promise.all([Plant.start(), startValkey()]);
    const status = await createRedisStatus(redis.url);
    const here = new StatusPlant(plant, redis, status, await startRealApi(plant, { REDIS_URL: redis.url }));
    here.worker = await here.newWorker();
    return here;
  }

  newWorker(): Promise<WorkerProcess> {
    return this.plant.worker({ REDIS_URL: this.redis.url, DSXCONNECT_PAGE_ITEMS: '20' });
  }

  /** Redis again, on the same port, with nothing in it. */
  async newRedis(): Promise<void> {
    this.redis = await startValkey({ port: this.redis.port });
    await this.untilRedis();
  }

  async untilRedis(): Promise<void> {
    await vi.waitFor(() => this.status.ping(), { timeout: 10_000, interval: 20 });
    // The API's own connection comes back in its own time.
    await vi.waitFor(
      async () => {
        const { checks } = await this.api.client.readyz();
        expect(checks.find(({ name }) => name === 'redis')?.state).toBe('ok');
      },
      { timeout: 10_000, interval: 50 },
    );
  }

  slow(): void {
    this.plant.standin.setOptions({ latencyMs: 60, workers: 4 });
  }

  fast(): void {
    this.plant.standin.setOptions({ latencyMs: 0, workers: 1_000 });
  }

  /** A scan with some findings, in its middle: pages have closed, and more than half of the files wait. */
  async inTheMiddle(): Promise<ScanHandle> {
    const folder = path.join(this.plant.folder, `t${++this.#folders}`);
    writeMany(folder, FILES);
    // Names that come first in the listing.
    writeFiles(folder, Object.fromEntries(Array.from({ length: FINDINGS }, (_, i) => [`a${i}.com`, EICAR])));
    this.slow();
    const scan = await this.plant.start({}, { source: this.plant.source(folder), window: 2 });
    await scan.until((progress) => progress.pages.closed >= 2);
    return scan;
  }

  /** Lets the scan end: its account is whole, proves itself, and the status shows it within one refresh. */
  async expectWhole(scan: ScanHandle): Promise<void> {
    this.fast();
    const { state, counters, root, listed } = await scan.result();
    expect([state, listed]).toEqual(['completed', LISTED]);
    expect(counters.outcomes).toMatchObject({ clean: FILES, malicious: FINDINGS });
    expect((await verifyJob(this.plant.ledger.job(scan.job), { root })).problems).toEqual([]);
    await vi.waitFor(async () => {
      const shown = (await this.status.job(scan.job))?.progress;
      expect(shown).toMatchObject({ state: 'completed', counters, commit: { hash: root } });
      expect(shown?.pages).toMatchObject({ open: 0, listed: shown?.pages.closed });
    }, WITHIN);
  }

  /** The status shows the job as its workflow does, with every finding of its closed pages, within one refresh. */
  async expectRight(scan: ScanHandle): Promise<void> {
    await vi.waitFor(async () => {
      const truth = await scan.progress();
      const shown = await this.status.job(scan.job);
      // The workflow goes on while two are asked.
      expect(shown?.progress.revision).toBeGreaterThanOrEqual(truth.revision - 20);
      expect(shown?.progress.listed).toBe(truth.listed);
      const rows = await this.status.findings(scan.job, undefined, 1_000);
      expect(rows.length).toBeGreaterThanOrEqual(truth.counters.outcomes.malicious);
      expect(new Set(rows.map(({ row }) => row.item)).size).toBe(rows.length);
    }, WITHIN);
  }

  async expectRebuilt(): Promise<void> {
    await vi.waitFor(async () => expect((await this.status.rebuild())?.done).toBe(true), WITHIN);
  }

  /** A command of Redis, past the status. */
  async command(...words: string[]): Promise<unknown> {
    const raw = createClient({ url: this.redis.url });
    await raw.connect();
    try {
      return await raw.sendCommand(words);
    } finally {
      raw.destroy();
    }
  }

  async stop(): Promise<void> {
    await Promise.allSettled([this.status.close(), this.api.stop()]);
    await this.plant.stop();
    await this.redis.stop('SIGKILL');
  }
}
