import path from 'node:path';
import { pino } from 'pino';
import { expect } from 'vitest';
import { createApi } from '../../api/app.ts';
import { type ApiClient, createApiClient } from '../../api/client.ts';
import type { JobResource, RetryJobBody } from '../../api/contract.ts';
import { createJobControl } from '../../api/job-control.ts';
import { createLedgerDoor } from '../../api/ledger-door.ts';
import { serve, stopServing } from '../../api/server.ts';
import { countRows, type OutcomeRow } from '../../domain/outcome.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { retryWorkflowId } from '../../workflows/messages.ts';
import { idleScanner, noWebhooks } from '../api/fixture.ts';
import { Plant, ScanHandle } from '../support/plant.ts';

/** A plant with the API in front of it, as retries are started. */
export class RetryPlant {
  readonly plant: Plant;
  readonly client: ApiClient;
  readonly #stop: () => Promise<void>;

  constructor(plant: Plant, client: ApiClient, stop: () => Promise<void>) {
    this.plant = plant;
    this.client = client;
    this.#stop = stop;
  }

  static async start(dynamicConfig: readonly string[] = []): Promise<RetryPlant> {
    const plant = await Plant.start({}, dynamicConfig);
    const stopping = new AbortController();
    const ledger = createLedgerDoor(path.join(plant.home, 'state', 'ledger'));
    const app = createApi({
      settings: {
        appEnv: 'dev',
        version: '1.2.3',
        loopback: true,
        key: undefined,
        folderScans: true,
        home: path.join(plant.home, 'state'),
        temporal: { namespace: 'default' },
        connectors: [],
      },
      control: createJobControl(plant.client, plant.temporal.address),
      status: undefined,
      ledger,
      webhooks: noWebhooks(),
      intake: { add: async () => undefined, close: async () => undefined },
      scanners: [idleScanner('standin', true)],
      log: pino({ level: 'silent' }),
      stopping: stopping.signal,
    });
    const { server, port } = await serve(app, { host: '127.0.0.1', port: 0 });
    const stop = async (): Promise<void> => {
      stopping.abort();
      await stopServing(server, 1_000);
      await ledger.close();
      await plant.stop();
    };
    return new RetryPlant(plant, createApiClient({ origin: `http://127.0.0.1:${port}` }), stop);
  }

  stop(): Promise<void> {
    return this.#stop();
  }

  /** Starts (or joins) a retry by the API. */
  async retry(job: string, body: RetryJobBody = {}, first = job): Promise<ScanHandle> {
    const { job: retry, joined } = await this.client.retry(job, body);
    return new ScanHandle(this.plant, { job: retry, joined }, retryWorkflowId(first));
  }

  rows(job: string): Promise<OutcomeRow[]> {
    return new ScanHandle(this.plant, { job, joined: false }, '').rows();
  }

  /** The account of the whole is what the newest row of each item comes to; every ledger of the chain proves itself. */
  async expectWhole(jobs: string[]): Promise<void> {
    const newest = new Map<string, OutcomeRow>();
    for (const job of jobs) {
      for (const row of await this.rows(job)) {
        if (row.retryOf !== undefined) expect(newest.delete(row.retryOf)).toBe(true);
        newest.set(`${job}/${row.item}`, row);
      }
      const report = await verifyJob(this.plant.ledger.job(job), { others: this.plant.ledger });
      expect(report.problems).toEqual([]);
      if (job !== jobs[0]) expect(report.retry?.coverage).toBe('checked');
    }
    const { whole } = await this.client.job(jobs[0] as string);
    expect(whole?.jobs).toEqual(jobs);
    expect(whole?.counters).toEqual(countRows(newest.values()));
    expect(whole?.listed).toBe(newest.size);
  }

  /** Retries to the end; the retry as the API shows it then. */
  async retried(job: string, body: RetryJobBody = {}, first = job): Promise<JobResource> {
    const handle = await this.retry(job, body, first);
    await handle.result();
    return this.client.job(handle.job);
  }
}

/** A fault at one item of one job (fewer than ten items to a page, so that no name begins like another). */
export function faultAt(fault: string, job: string, item: string, times: number | '*' = '*'): string {
  return `${fault} times=${times} metadata=${encodeURIComponent(`job:${job},item:${encodeURIComponent(item)}`)}`;
}
