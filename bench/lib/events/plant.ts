import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type ApiClient, createApiClient } from '../../../api/client.ts';
import type { OutcomeRow } from '../../../domain/outcome.ts';
import { openLedger } from '../../../ledger/ledger.ts';
import { type VerifyReport, verifyJob } from '../../../ledger/verify.ts';
import { type BenchStack, benchHome, benchStack } from '../plant.ts';
import { SignedSender } from './signed-sender.ts';

export const CONNECTOR = 'live';

/** A stack with one connector of files whose events come by the webhook `signed`. */
export interface EventPlant {
  readonly bench: BenchStack;
  readonly api: ApiClient;
  /** What the connector scans. */
  readonly folder: string;
  readonly sender: SignedSender;
  /** Jobs of the connector on events, oldest first. */
  jobs(): Promise<string[]>;
  /** The rows of a job that has ended, and what its ledger proves. */
  proof(job: string): Promise<{ readonly rows: readonly OutcomeRow[]; readonly report: VerifyReport }>;
  /** Ends everything and removes its folder. */
  clear(): Promise<void>;
}

/** @param env settings of the stack's processes @param atOnce deliveries under way at once, at most */
export async function eventPlant(name: string, env: Record<string, string>, atOnce?: number): Promise<EventPlant> {
  const home = path.join(benchHome(), `${name}-${process.pid}`);
  // What lies in the stack's own folder is never listed.
  const folder = `${home}-files`;
  const secret = randomBytes(32).toString('base64');
  for (const made of [home, folder]) mkdirSync(made, { recursive: true, mode: 0o700 });
  writeFileSync(path.join(home, 'dsx-connect.yaml'), fileOf(folder));
  const bench = await benchStack(name, { ...env, BENCH_WEBHOOK: secret });
  const { stack } = bench;
  const api = createApiClient({ origin: stack.api, key: stack.apiKey });
  const sender = new SignedSender(stack.api, CONNECTOR, secret, atOnce);
  return {
    bench,
    api,
    folder,
    sender,
    async jobs() {
      const { jobs } = await api.jobs({ limit: 1_000 });
      const own = jobs.filter(({ kind, source }) => kind === 'on-access' && source.id === CONNECTOR);
      return own.map(({ job }) => job).reverse();
    },
    async proof(job) {
      const ledger = await openLedger(stack.ledger, { create: false });
      try {
        const { root } = await api.job(job);
        const report = await verifyJob(ledger.job(job), { root: root ?? '' });
        const rows: OutcomeRow[] = [];
        for await (const { body } of ledger.job(job).commits()) {
          for (const { segment } of body.pages) rows.push(...(await ledger.job(job).readSegment(segment)));
        }
        return { rows, report };
      } finally {
        await ledger.close();
      }
    },
    async clear() {
      await sender.close();
      await bench.stop();
      for (const made of [home, folder]) rmSync(made, { recursive: true, force: true });
    },
  };
}

function fileOf(folder: string): string {
  return `connectors:
  - id: ${CONNECTOR}
    kind: filesystem
    asset: ${folder}
    watch:
      webhook:
        - source: signed
          secret: \${BENCH_WEBHOOK}
      scanner: standin
      reconcile: off
`;
}
