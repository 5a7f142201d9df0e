import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { API_PREFIX } from '../../../api/contract.ts';
import { connectorUuid } from '../../../api/old/identity.ts';
import { type RealApi, startRealApi } from '../../support/api.ts';
import { EICAR, writeFiles, writeMany } from '../../support/files.ts';
import { Plant } from '../../support/plant.ts';
import { until } from '../../support/stage.ts';
import { frames } from './frames.ts';

/** A console of the former product before real parts: what it shows of a scan is what the ledger says. */
let plant: Plant;
let api: RealApi;
let front: Server;
const UUID = connectorUuid('share');

beforeAll(async () => {
  plant = await Plant.start();
  front = await scannerInFrontOf(plant.standin.url);
  const state = path.join(plant.home, 'state');
  mkdirSync(state, { recursive: true });
  const quarantine = path.join(plant.home, 'quarantine');
  const share = `  - id: share\n    kind: filesystem\n    asset: ${plant.folder}\n    action: move\n    quarantine: ${quarantine}\n`;
  writeFileSync(path.join(state, 'dsx-connect.yaml'), `connectors:\n${share}`);
  writeMany(plant.folder, 20);
  writeFiles(plant.folder, { 'bad <b>name.txt': EICAR });
  const env = { DSXA_SCANNER_URL: `http://127.0.0.1:${(front.address() as AddressInfo).port}` };
  await plant.worker(env);
  api = await startRealApi(plant, env);
});
afterAll(async () => {
  await api.stop();
  await new Promise((resolve) => front.close(resolve));
  await plant.stop();
});

// biome-ignore lint/suspicious/noExplicitAny: what comes is what is tested
async function ask(method: string, where: string): Promise<{ status: number; headers: Headers; body: any }> {
  const response = await fetch(`${api.origin}${API_PREFIX}/${where}`, { method });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

test('a console starts a scan, follows it, and shows its results', async () => {
  expect((await ask('GET', 'test/dsxa-connection')).body).toMatchObject({ status: 'success' });
  const shown = await ask('GET', 'config');
  expect(shown.body.workers.scan_request_batch_enabled).toBe(true);
  expect(shown.body.scanner.scan_binary_url).toMatch(/\/scan\/binary\/v2$/);

  const results = await frames(api, 'subscribe/scan-result');
  expect(await results.next()).toEqual({ type: 'connected' });
  const started = await ask('POST', `connectors/full_scan/${UUID}?batch=true&batch_size=100`);
  expect(started.status).toBe(202);
  const [, job = ''] = /job_id=([0-9a-f-]{36})/.exec(started.body.description) ?? [];
  expect(started.headers.get('x-job-id')).toBe(job);

  await until(async () => (await ask('GET', `scan/jobs/${job}`)).body.status === 'completed');
  const { body: hash } = await ask('GET', `scan/jobs/${job}`);
  expect(hash).toMatchObject({
    processed_count: '21',
    enqueued_total: '21',
    succeeded_count: '21',
    verdict_malicious: '1',
    verdict_benign: '20',
    connector_uuid: UUID,
    progress_pct: '100',
  });
  const { body: all } = await ask('GET', `scan/results?limit=1000&job_id=${job}`);
  expect(all).toHaveLength(21);
  const numbers = all.map(({ id }: { id: number }) => id);
  expect(numbers).toEqual([...numbers].sort((a, b) => b - a));
  const found = all.find(({ outcome }: { outcome: string }) => outcome === 'malicious');
  expect(found).toMatchObject({
    scan_request: { location: 'bad <b>name.txt', metainfo: 'bad <b>name.txt', connector: { uuid: UUID } },
    status: 'action succeeded',
    item_action: { status: 'success', item_action: 'move', message: 'File moved' },
    verdict: { verdict: 'Malicious' },
  });
  expect(found.item_action.description).toMatch(/^moved to \//);
  expect((await ask('GET', `scan/results/${found.scan_request_task_id}`)).body).toEqual([found]);
  const live = await results.next(
    ({ scan_result }) => scan_result?.scan_request_task_id === found.scan_request_task_id,
  );
  expect(live.job.job_id).toBe(job);
  results.close();

  const { body: stats } = await ask('GET', 'scan/stats');
  expect(stats).toMatchObject({ files_scanned: 21, malicious_count: 1, benign_count: 20 });
});

test('what is asked of a storage is answered by its site', async () => {
  const { body: preview } = await ask('GET', `connectors/repo_check/${UUID}?preview=5`);
  expect(preview).toMatchObject({ status: 'success' });
  expect(preview.preview).toHaveLength(5);
  expect(preview.description).toContain('preview=5');
  expect((await ask('GET', `connectors/estimate/${UUID}`)).body).toEqual({ count: 20, confidence: 'exact' });
  const sample = await ask('POST', `connectors/full_scan/${UUID}?limit=5`);
  const job = String(sample.headers.get('x-job-id'));
  await until(async () => (await ask('GET', `scan/jobs/${job}`)).body.status === 'completed');
  expect((await ask('GET', `scan/jobs/${job}`)).body.processed_count).toBe('5');
});

/** A scanner that may judge: the stand-in behind it, without the header by which that is known. */
async function scannerInFrontOf(url: string): Promise<Server> {
  const server = createServer((request, response) => {
    const { method, url: target, headers } = request;
    const { host: _, ...kept } = headers;
    const onward = httpRequest(`${url}${target}`, { method, headers: kept }, (answer) => {
      const shown = Object.entries(answer.headers).filter(([name]) => name !== 'server');
      response.writeHead(answer.statusCode ?? 502, Object.fromEntries(shown));
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
