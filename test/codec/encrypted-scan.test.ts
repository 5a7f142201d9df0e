import { mkdirSync, mkdtempSync } from 'node:fs';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createJobControl } from '../../api/job-control.ts';
import { dataConverter } from '../../codec/data-converter.ts';
import { Secret } from '../../config/secret.ts';
import { certificateAuthority } from '../../scripts/servers/graph/certificate.ts';
import { EICAR, writeFiles } from '../support/files.ts';
import { historyText } from '../support/history.ts';
import { PemFolder } from '../support/pem-files.ts';
import { Plant, ScanHandle } from '../support/plant.ts';
import { startTlsFront, type TlsFront } from '../support/tls-front.ts';

const OLD = { id: 'old', key: new Secret(Buffer.alloc(32, 1).toString('base64')) };
const NEW = { id: 'new', key: new Secret(Buffer.alloc(32, 2).toString('base64')) };
const entry = ({ id, key }: typeof OLD) => `${id}:${key.reveal()}`;
const authority = certificateAuthority();
const server = authority.issue();
const client = authority.issue();
const pem = new PemFolder();
let plain: Plant;
let front: TlsFront;
let connection: Connection;
let tls: Record<string, string>;

beforeAll(async () => {
  plain = await Plant.start();
  front = await startTlsFront(Number(plain.temporal.address.split(':')[1]), {
    cert: server.cert,
    key: server.key,
    ca: authority.cert,
    requestCert: true,
    rejectUnauthorized: true,
    ALPNProtocols: ['h2'],
  });
  const files = pem.pair('client', client);
  tls = {
    TEMPORAL_ADDRESS: `127.0.0.1:${front.port}`,
    TEMPORAL_TLS_CA_FILE: pem.write('ca.pem', authority.cert),
    TEMPORAL_TLS_CERT_FILE: files.certFile,
    TEMPORAL_TLS_KEY_FILE: files.keyFile,
  };
  connection = await Connection.connect({ address: plain.temporal.address });
});
afterAll(async () => {
  await connection.close();
  await plain.stop();
  await front.close();
  pem.remove();
});

/** The plant as a client with these keys sees it. */
function withKeys(...keys: (typeof OLD)[]): Plant {
  const encrypted = new Client({ connection, dataConverter: dataConverter(keys) });
  const home = mkdtempSync(path.join(plain.home, 'client-'));
  return new Plant(home, plain.temporal, plain.standin, encrypted, plain.ledger);
}

it('leaves nothing readable in Temporal, over TLS, while keys change under a scan', async () => {
  const folder = path.join(plain.folder, 'canary-folder');
  mkdirSync(folder);
  writeFiles(folder, { 'canary-name.txt': 'clean', 'canary-bad.com': EICAR });
  const worker = await plain.worker({ ...tls, DSXCONNECT_CODEC_KEYS: entry(OLD) });
  const old = withKeys(OLD);
  const source = plain.source(folder);
  const scan = await old.start(
    { filter: 'canary*', action: 'nothing' },
    { source, job: 'job-old', actor: 'canary-actor' },
  );
  const result = await scan.result();
  expect(result).toMatchObject({ state: 'completed', counters: { outcomes: { clean: 1, malicious: 1 } } });
  const text = await historyText(plain.client, scan.workflowId);
  for (const word of ['canary', 'standin', 'outcomes', 'clean']) expect(text).not.toContain(word);
  expect(text).toContain('binary/encrypted');
  expect(front.handshakes()).toBeGreaterThan(0);

  // The API of another process, with the new key in front: reads what the old one wrote.
  const both = withKeys(NEW, OLD);
  expect(await new ScanHandle(both, { job: scan.job, joined: false }, scan.workflowId).result()).toEqual(result);
  worker.kill('SIGTERM');
  await worker.gone;
  await plain.worker({ ...tls, DSXCONNECT_CODEC_KEYS: `${entry(NEW)},${entry(OLD)}` });
  const next = await both.start({ filter: 'canary*' }, { source, job: 'job-new' });
  expect(await next.result()).toMatchObject({ state: 'completed' });
  expect(await historyText(plain.client, next.workflowId)).not.toContain('canary');
});

it('tells in a coded error which key is missing', async () => {
  const scan = await withKeys(NEW).start({}, { source: plain.source(plain.folder), job: 'job-third' });
  await scan.result();
  const handle = (...keys: (typeof OLD)[]) =>
    new ScanHandle(withKeys(...keys), { job: scan.job, joined: false }, scan.workflowId);
  const asked = (...keys: (typeof OLD)[]) =>
    createJobControl(new Client({ connection, dataConverter: dataConverter(keys) }), plain.temporal.address);
  await expect(asked(OLD).progress(scan.workflowId)).rejects.toMatchObject({ code: 'payloads_unreadable' });
  await expect(handle().result()).rejects.toMatchObject({ code: 'codec_off' });
  await expect(handle(OLD).result()).rejects.toMatchObject({ code: 'codec_key_unknown' });
});

it('refuses a server that it does not trust', async () => {
  const stranger = { ...tls, TEMPORAL_TLS_CA_FILE: pem.write('other.pem', certificateAuthority().cert) };
  await expect(plain.worker(stranger)).rejects.toThrow(/ended with 1/);
});
