import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRedisStatus } from '../../status/redis-status.ts';
import { pair } from '../support/pem-files.ts';
import { startTlsFront, type TlsFront } from '../support/tls-front.ts';
import { startValkey, type ValkeyServer } from '../support/valkey.ts';

const server = pair();
const client = pair();
let valkey: ValkeyServer;
let front: TlsFront;

beforeAll(async () => {
  valkey = await startValkey();
  front = await startTlsFront(valkey.port, {
    cert: server.cert,
    key: server.key,
    ca: client.cert,
    requestCert: true,
    rejectUnauthorized: true,
  });
});
afterAll(async () => {
  await front.close();
  await valkey.stop();
});

async function pings(tls: Parameters<typeof createRedisStatus>[1]): Promise<unknown> {
  const status = await createRedisStatus(`rediss://127.0.0.1:${front.port}`, tls);
  try {
    return await status.ping();
  } finally {
    await status.close();
  }
}
const pem = (text: string) => Buffer.from(text);

it('reaches Redis over TLS, with an authority and a client certificate', async () => {
  const tls = { ca: pem(server.cert), cert: pem(client.cert), key: pem(client.key) };
  await pings({ tls });
  expect(front.handshakes()).toBeGreaterThan(0);
});

it('does not talk to a server that it does not trust, nor is it let in without a certificate', async () => {
  const before = front.handshakes();
  const identity = { cert: pem(client.cert), key: pem(client.key) };
  await expect(pings({ tls: { ...identity, ca: pem(client.cert) } })).rejects.toMatchObject({ code: 'status_down' });
  await expect(pings({ tls: identity })).rejects.toMatchObject({ code: 'status_down' });
  expect(front.handshakes()).toBe(before);
  await expect(pings({ tls: { ca: pem(server.cert) } })).rejects.toMatchObject({ code: 'status_down' });
});
