import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createResultsCheck } from '../../api/results-view.ts';
import { RESULTS_OUT, type ResultsOutView, resultsOutWorkflowId } from '../../workflows/messages.ts';
import { EICAR, writeFiles } from '../support/files.ts';
import { PemFolder, pair } from '../support/pem-files.ts';
import { Plant } from '../support/plant.ts';
import { Collector, jsonOf } from './collector.ts';

const FINDINGS = 40;
const HOOK_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const pem = new PemFolder();
const server = pair();
let plant: Plant;
let collectors: Collector[] = [];

beforeAll(async () => {
  plant = await Plant.start();
});
afterAll(async () => {
  await plant.stop();
  pem.remove();
});
afterEach(async () => {
  await plant.stopWorkers();
  await Promise.all(collectors.splice(0).map((one) => one.stop()));
  collectors = [];
});

/** Writes the configuration with these sinks and returns the environment of its workers. */
function configured(name: string, sinks: string): Record<string, string> {
  const file = path.join(plant.home, `${name}.yaml`);
  writeFileSync(file, `results:\n${sinks}`);
  return { DSX_CONFIG: file };
}

function folderOf(name: string): string {
  const folder = path.join(plant.folder, name);
  mkdirSync(folder);
  const files = Array.from({ length: 60 }, (_, n) => [`f${n}.txt`, n < FINDINGS ? EICAR : `clean ${n}`] as const);
  writeFiles(folder, Object.fromEntries(files));
  return folder;
}

function view(sink: string): Promise<ResultsOutView> {
  return plant.client.workflow.getHandle(resultsOutWorkflowId(sink)).query<ResultsOutView>(RESULTS_OUT.view);
}
const ids = (collector: Collector) => [...new Set(collector.messages.map((text) => jsonOf(text).id))].sort();
const until = (check: () => unknown) => expect.poll(check, { timeout: 40_000, interval: 100 });

/** What the ledger says must have come: the findings, and the actions on them. */
async function expected(job: string): Promise<string[]> {
  const found: string[] = [];
  const ledger = plant.ledger.job(job);
  for await (const { body } of ledger.commits()) {
    for (const { segment } of body.pages)
      for (const row of await ledger.readSegment(segment))
        if (row.outcome === 'malicious') found.push(`${job}/${row.item}`);
    for (const { segment } of body.actions)
      for (const row of await ledger.readActions(segment)) found.push(`${job}/${row.item}#${row.action}-${row.state}`);
  }
  return [...new Set(found)].sort();
}

interface Delivery {
  readonly id: string;
  readonly status: number;
  readonly results: readonly string[];
}

/** A webhook that takes what is signed, but for the first `refusals` deliveries. */
async function startHook(refusals: number): Promise<{ url: string; seen: readonly Delivery[]; stop(): void }> {
  const seen: Delivery[] = [];
  const hook = createServer({ cert: server.cert, key: server.key }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const headers = request.headers as Record<string, string>;
      const body = new Webhook(HOOK_SECRET).verify(Buffer.concat(chunks), headers) as {
        data: { results: { id: string }[] };
      };
      const status = seen.length < refusals ? 503 : 204;
      seen.push({ id: headers['webhook-id'] ?? '', status, results: body.data.results.map(({ id }) => id) });
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => {
    hook.listen(0, '127.0.0.1', resolve);
  });
  const stop = (): void => {
    hook.close();
    hook.closeAllConnections();
  };
  return { url: `https://127.0.0.1:${(hook.address() as AddressInfo).port}/hook?token=canary-token`, seen, stop };
}

it('findings and actions reach every sink of every transport, in the shape that receivers know', async () => {
  const [hook, udp, tcp, tls] = await Promise.all([
    startHook(2),
    Collector.datagrams(),
    Collector.stream('lines'),
    Collector.stream('octet-counting', { cert: server.cert, key: server.key }),
  ]);
  collectors = [udp, tcp, tls];
  const ca = pem.write('syslog-ca.pem', server.cert);
  const env = configured(
    'transports',
    `  - { id: over-udp, kind: syslog, host: 127.0.0.1, port: ${udp.port}, transport: udp }
  - { id: over-tcp, kind: syslog, host: 127.0.0.1, port: ${tcp.port}, transport: tcp, framing: lines, send: all }
  - { id: over-tls, kind: syslog, host: 127.0.0.1, port: ${tls.port}, caFile: ${ca} }
  - { id: hook, kind: webhook, url: "${hook.url}", secret: "\${HOOK_SECRET}", caFile: ${ca}, privateAddress: on }\n`,
  );
  await plant.worker({ ...env, HOOK_SECRET });
  await until(async () => (await view('over-tls').catch(() => undefined)) !== undefined).toBe(true);
  // A sink gets what begins once it is there.
  await until(async () => (await plant.ledger.results.read('over-tls')) !== undefined).toBe(true);
  await until(async () => (await plant.ledger.results.read('over-udp')) !== undefined).toBe(true);
  await until(async () => (await plant.ledger.results.read('over-tcp')) !== undefined).toBe(true);
  await until(async () => (await plant.ledger.results.read('hook')) !== undefined).toBe(true);
  const source = plant.source(folderOf('transports'));
  const scan = await plant.start(
    { action: 'move', quarantine: path.join(plant.home, 'quarantine') },
    { source, job: 'job-transports' },
  );
  expect(await scan.result()).toMatchObject({ counters: { outcomes: { malicious: FINDINGS } } });
  const want = await expected(scan.job);
  expect(want.length).toBeGreaterThanOrEqual(2 * FINDINGS);
  await until(() => ids(tls)).toEqual(want);
  await until(() => ids(udp)).toEqual(want);
  await until(() => ids(tcp).length).toBe(want.length + 60 - FINDINGS);
  // A webhook that refuses is asked again, with the same batch under the same id.
  const taken = () => hook.seen.filter(({ status }) => status === 204).flatMap(({ results }) => results);
  await until(() => [...new Set(taken())].sort()).toEqual(want);
  hook.stop();
  const [first, second, third] = hook.seen;
  expect([first?.status, second?.status, third?.status]).toEqual([503, 503, 204]);
  for (const again of [second, third]) expect([again?.id, again?.results]).toEqual([first?.id, first?.results]);
  expect(JSON.stringify(await plant.ledger.results.read('hook'))).not.toContain('canary');
  const one = jsonOf(tls.messages.find((text) => text.includes('#move-done')) ?? '');
  expect(one).toMatchObject({
    source: 'dsx-connect',
    scan_request: { scan_job_id: scan.job, connector: { name: source.id, item_action: 'move' } },
    verdict: { verdict: 'Malicious' },
    item_action: { status: 'success', item_action: 'move' },
  });
}, 90_000);

it('nothing is missing after the collector was away and the worker was killed', async () => {
  const first = await Collector.stream('octet-counting');
  const env = configured(
    'away',
    `  - { id: away, kind: syslog, host: 127.0.0.1, port: ${first.port}, transport: tcp }\n`,
  );
  const worker = await plant.worker(env);
  await until(async () => (await plant.ledger.results.read('away')) !== undefined).toBe(true);
  await first.stop();
  const scans = [];
  for (const name of ['away-1', 'away-2']) {
    const source = plant.source(folderOf(name));
    const scan = await plant.start({ action: 'nothing' }, { source, job: `job-${name}` });
    await scan.result();
    scans.push(scan);
  }
  // It is told that the collector is away, and how much waits.
  await until(async () => (await view('away')).failure?.code).toBe('sink_unreachable');
  expect((await view('away')).behind).toBeGreaterThan(0);
  const check = createResultsCheck(plant.client, ['away']);
  expect(await check?.()).toMatchObject({
    name: 'results',
    state: 'problem',
    detail: expect.stringContaining('ECONNREFUSED'),
  });
  worker.kill('SIGKILL');
  await worker.gone;
  const second = await Collector.stream('octet-counting', undefined, first.port);
  collectors = [second];
  await plant.worker(env);
  const want = (await Promise.all(scans.map(({ job }) => expected(job)))).flat().sort();
  expect(want).toHaveLength(2 * FINDINGS);
  await until(() => ids(second)).toEqual(want);
  await until(async () => (await view('away')).failure).toBeUndefined();
  expect(await check?.()).toMatchObject({
    state: 'ok',
    detail: expect.stringMatching(/^away: \d+ sent, nothing waits$/),
  });
}, 120_000);
