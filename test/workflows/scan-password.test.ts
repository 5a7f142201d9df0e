import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { zip } from '../../cli/demo/zip.ts';
import { loadApiConfig } from '../../config/api.ts';
import { loadWorkerConfig } from '../../config/worker.ts';
import { type RealApi, startRealApi } from '../support/api.ts';
import { EICAR, writeFiles } from '../support/files.ts';
import { historyText } from '../support/history.ts';
import { Plant, type WorkerProcess } from '../support/plant.ts';

const CANARY = 'canary-7f3a91c2d4';
/** The forms in which it could turn up: as it is, as it travels, and inside of other base64. */
const FORMS = [0, 1, 2].map((shift) => {
  const text = Buffer.concat([Buffer.alloc(shift), Buffer.from(CANARY)]).toString('base64');
  return text.slice(shift === 0 ? 0 : 4, -4);
});

let plant: Plant;
let api: RealApi;
let worker: WorkerProcess;
let file: string;
let asset: string;

beforeAll(async () => {
  plant = await Plant.start();
  asset = path.join(plant.folder, 'share');
  const locked = (data: string) => zip([{ name: 'in.bin', data: Buffer.from(data), password: CANARY }]);
  writeFiles(asset, { 'bad.zip': locked(EICAR), 'good.zip': locked('harmless'), 'plain.txt': 'plain' });
  file = path.join(plant.home, 'dsx-connect.yaml');
  const kind = `kind: filesystem, asset: ${asset}`;
  const opens = `{id: opens, ${kind}, scanPassword: "\${ARCHIVE_PASSWORD}"}`;
  writeFileSync(file, `connectors:\n  - ${opens}\n  - {id: closed, ${kind}}\n`);
  worker = await plant.worker({ DSX_CONFIG: file, ARCHIVE_PASSWORD: CANARY, LOG_LEVEL: 'trace' });
  // Not even the API needs to be given it; this one is.
  api = await startRealApi(plant, { DSX_CONFIG: file, ARCHIVE_PASSWORD: CANARY });
}, 60_000);
afterAll(async () => {
  await api.stop();
  await plant.stop();
});

async function outcomes(connector: string): Promise<Record<string, string>> {
  const { job } = await api.client.startJob({ connector, scanner: 'standin' });
  for await (const _ of api.client.events(job)) {
    // Till its end.
  }
  const { rows } = await api.client.outcomes(job);
  return Object.fromEntries(
    rows.map(({ location, outcome, reason }) => [location, `${outcome} ${reason ?? ''}`.trim()]),
  );
}

test('without a password an encrypted archive is unscannable, with it it is judged', async () => {
  expect(await outcomes('closed')).toEqual({
    'bad.zip': 'unscannable encrypted_file',
    'good.zip': 'unscannable encrypted_file',
    'plain.txt': 'clean',
  });
  expect(await outcomes('opens')).toEqual({ 'bad.zip': 'malicious', 'good.zip': 'clean', 'plain.txt': 'clean' });
  const scanned = await api.client.scanItems({
    connector: 'opens',
    items: [{ location: 'bad.zip' }],
    scanner: 'standin',
    waitSeconds: 30,
  });
  expect(scanned.rows?.map(({ outcome }) => outcome)).toEqual(['malicious']);
});

test('a process that was not given the variable says so, where it opens the connector, and starts where it does not', () => {
  const env = { HOME: plant.home, DSX_HOME: path.join(plant.home, 'other'), DSX_CONFIG: file };
  expect(() => loadWorkerConfig(env)).toThrow(/scanPassword: refers to \$\{ARCHIVE_PASSWORD\}, which is not set/);
  expect(() => loadApiConfig(env)).not.toThrow();
});

test('the password is nowhere: no file, ledger, history, log or answer', async () => {
  const places: Record<string, string> = { log: worker.log() };
  for (const name of readdirSync(plant.home, { recursive: true, withFileTypes: true })) {
    if (!name.isFile()) continue;
    const at = path.join(name.parentPath, name.name);
    const bytes = readFileSync(at);
    places[at] = (at.endsWith('.zst') ? zstdDecompressSync(bytes) : bytes).toString('latin1');
  }
  for await (const { workflowId } of plant.client.workflow.list()) {
    places[workflowId] = await historyText(plant.client, workflowId);
  }
  places.requests = JSON.stringify(plant.standin.requests());
  places.connectors = JSON.stringify(await api.client.connectors());
  const config = loadWorkerConfig({ HOME: plant.home, DSX_CONFIG: file, ARCHIVE_PASSWORD: CANARY });
  places.config = `${JSON.stringify(config)} ${inspect(config, { depth: 9 })} ${String(config.connectors[0]?.scanPassword)}`;
  expect(Object.keys(places).filter((place) => place.endsWith('.zst')).length).toBeGreaterThan(5);
  expect(places.config).toContain('[redacted]');
  for (const around of ['', 'x', 'xy']) {
    const hidden = Buffer.from(`${around}${CANARY}yz`).toString('base64');
    expect(FORMS.some((form) => hidden.includes(form))).toBe(true);
  }
  for (const [place, text] of Object.entries(places)) {
    for (const form of [CANARY, ...FORMS]) expect(text.includes(form), `${place} holds ${form}`).toBe(false);
  }
});
