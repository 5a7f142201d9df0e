import { createHash } from 'node:crypto';
import { BlobServiceClient } from '@azure/storage-blob';
import { startAzurite } from '../../scripts/servers/azurite.ts';
import { startFakeGcs } from '../../scripts/servers/fake-gcs.ts';
import { startGraphFake } from '../../scripts/servers/graph/fake.ts';
import { startSeaweedfs } from '../../scripts/servers/seaweedfs.ts';
import { HttpFront } from '../connectors/http-front.ts';
import { Bucket } from '../connectors/s3-store.ts';

/** A storage that a worker's connector reaches through a front, and a test past it. */
export interface RacedStore {
  readonly front: HttpFront;
  /** Of the configuration file, less its id. */
  readonly connector: Readonly<Record<string, unknown>>;
  /** What its secrets refer to. */
  readonly env: Readonly<Record<string, string>>;
  /** Certificate that its clients must trust, PEM. */
  readonly certificate?: string;
  /** Writes an item, or over it. */
  put(name: string, bytes: string): Promise<void>;
  /** Bytes by location, quarantine apart. */
  contents(): Promise<{ readonly items: Readonly<Record<string, string>>; readonly quarantine: readonly string[] }>;
  /** Whether a request is about this item, by its name or its id. */
  isAbout(name: string, url: string): boolean;
  stop(): Promise<void>;
}

const PLACE = 'races';
const QUARANTINE = 'dsxconnect-quarantine/';
const byName = (name: string, url: string): boolean => decodeURIComponent(url).includes(name);
const portOf = (url: string): number => Number(new URL(url).port);
const frontOf = (url: string): Promise<HttpFront> => HttpFront.start({ host: '127.0.0.1', port: portOf(url) });

function apart(all: ReadonlyMap<string, Uint8Array>): Awaited<ReturnType<RacedStore['contents']>> {
  const text = [...all].map(([name, bytes]) => [name, Buffer.from(bytes).toString('latin1')] as const);
  return {
    items: Object.fromEntries(text.filter(([name]) => !name.startsWith(QUARANTINE))),
    quarantine: text.filter(([name]) => name.startsWith(QUARANTINE)).map(([, bytes]) => bytes),
  };
}

/** A bucket in SeaweedFS. */
export async function racedS3(): Promise<RacedStore> {
  const server = await startSeaweedfs();
  const bucket = await Bucket.make(server, PLACE);
  const front = await frontOf(server.endpoint);
  return {
    front,
    connector: {
      kind: 'aws_s3',
      asset: PLACE,
      endpoint: `http://127.0.0.1:${front.port}`,
      accessKeyId: server.accessKeyId,
      secretAccessKey: `\${S3_SECRET}`,
    },
    env: { S3_SECRET: server.secretAccessKey },
    put: (name, bytes) => bucket.put(name, Buffer.from(bytes)),
    async contents() {
      const found = new Map<string, Buffer>();
      for (const key of await bucket.keys('')) found.set(key, await bucket.bytes(key));
      return apart(found);
    },
    isAbout: byName,
    async stop() {
      await front.close();
      bucket.client.destroy();
      await server.stop();
    },
  };
}

/** A container in Azurite. */
export async function racedAzure(): Promise<RacedStore> {
  const server = await startAzurite();
  const container = BlobServiceClient.fromConnectionString(server.connectionString).getContainerClient(PLACE);
  await container.create();
  const front = await frontOf(server.endpoint);
  const { pathname } = new URL(server.endpoint);
  return {
    front,
    connector: {
      kind: 'azure_blob_storage',
      asset: PLACE,
      endpoint: `http://127.0.0.1:${front.port}${pathname}`,
      account: server.account,
      accountKey: `\${AZURE_KEY}`,
    },
    env: { AZURE_KEY: server.key },
    put: async (name, bytes) => void (await container.getBlockBlobClient(name).uploadData(Buffer.from(bytes))),
    async contents() {
      const found = new Map<string, Buffer>();
      for await (const { name } of container.listBlobsFlat()) {
        found.set(name, await container.getBlockBlobClient(name).downloadToBuffer());
      }
      return apart(found);
    },
    isAbout: byName,
    async stop() {
      await front.close();
      await server.stop();
    },
  };
}

/** A bucket in fake-gcs-server. */
export async function racedGcs(): Promise<RacedStore> {
  const server = await startFakeGcs();
  const base = `${server.endpoint}/storage/v1/b`;
  const ask = async (url: string, init?: RequestInit): Promise<Response> => {
    const answer = await fetch(url, init);
    if (!answer.ok) throw new Error(`${init?.method ?? 'GET'} ${url}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  const headers = { 'content-type': 'application/json' };
  await ask(`${base}?project=races-project`, { method: 'POST', headers, body: JSON.stringify({ name: PLACE }) });
  const front = await frontOf(server.endpoint);
  return {
    front,
    connector: {
      kind: 'google_cloud_storage',
      asset: PLACE,
      endpoint: `http://127.0.0.1:${front.port}`,
      projectId: 'races-project',
    },
    env: {},
    async put(name, body) {
      const url = `${server.endpoint}/upload/storage/v1/b/${PLACE}/o?uploadType=media&name=${encodeURIComponent(name)}`;
      await (await ask(url, { method: 'POST', body })).text();
    },
    async contents() {
      const { items = [] } = (await (await ask(`${base}/${PLACE}/o`)).json()) as { items?: { name: string }[] };
      const found = new Map<string, Uint8Array>();
      for (const { name } of items) {
        const answer = await ask(`${base}/${PLACE}/o/${encodeURIComponent(name)}?alt=media`);
        found.set(name, new Uint8Array(await answer.arrayBuffer()));
      }
      return apart(found);
    },
    isAbout: byName,
    async stop() {
      await front.close();
      await server.stop();
    },
  };
}

/** A library in the stand-in for Graph. What is written over keeps its id. */
export async function racedGraph(): Promise<RacedStore> {
  const fake = await startGraphFake();
  const { library } = fake;
  const front = await HttpFront.start({ host: '127.0.0.1', port: fake.ports.graph, tls: fake.tls });
  return {
    front,
    connector: {
      kind: 'sharepoint',
      asset: `https://${fake.host}/sites/Finance/Shared%20Documents`,
      tenantId: fake.tenantId,
      clientId: fake.clientId,
      clientSecret: `\${GRAPH_SECRET}`,
      graphUrl: `https://127.0.0.1:${front.port}`,
      authorityUrl: fake.tokenOrigin,
    },
    env: { GRAPH_SECRET: fake.clientSecret },
    certificate: fake.certificate,
    put: async (name, bytes) => {
      if (library.facts(name) === undefined) library.put(name, bytes);
      else library.overwrite(name, bytes);
    },
    contents: async () => apart(library.contents()),
    isAbout: (name, url) => byName(name, url) || decodeURIComponent(url).includes(library.facts(name)?.id ?? name),
    async stop() {
      await front.close();
      await fake.stop();
    },
  };
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
