import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { createAwsS3Connector } from '../../connectors/aws-s3/connector.ts';
import type { AwsS3Settings } from '../../connectors/aws-s3/settings.ts';
import type { Connector } from '../../connectors/connector.ts';
import type { S3Server } from '../../scripts/servers/seaweedfs.ts';
import type { HttpStore } from './http-conformance.ts';
import { HttpFront, type Treatment } from './http-front.ts';

const xml = (status: number, code: string, headers: Record<string, string> = {}): Treatment => ({
  status,
  headers: { 'content-type': 'application/xml', ...headers },
  body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>said by a test</Message></Error>`,
});

export const ANSWERS = {
  throttled: xml(503, 'SlowDown', { 'retry-after': '2' }),
  expired: xml(400, 'ExpiredToken'),
  forbidden: xml(403, 'AccessDenied'),
  broken: xml(500, 'InternalError'),
};

/** A bucket of a test server, and stores that each have a prefix of it, so that a bucket need not be made for every test. */
export class Bucket {
  readonly name: string;
  readonly server: S3Server;
  readonly client: S3Client;
  #stores = 0;

  private constructor(name: string, server: S3Server) {
    this.name = name;
    this.server = server;
    this.client = clientOf(server);
  }

  static async make(server: S3Server, name: string, versioning?: 'Enabled' | 'Suspended'): Promise<Bucket> {
    const bucket = new Bucket(name, server);
    await bucket.client.send(new CreateBucketCommand({ Bucket: name }));
    if (versioning !== undefined) {
      const VersioningConfiguration = { Status: versioning };
      await bucket.client.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration }));
    }
    return bucket;
  }

  async store(settings: Partial<AwsS3Settings> = {}): Promise<S3Store> {
    this.#stores += 1;
    const { port, hostname } = new URL(this.server.endpoint);
    const front = await HttpFront.start({ host: hostname, port: Number(port) });
    return new S3Store(this, front, String(this.#stores), settings);
  }

  async keys(prefix: string): Promise<string[]> {
    const keys: string[] = [];
    for (let token: string | undefined; ; ) {
      const answer = await this.client.send(
        new ListObjectsV2Command({ Bucket: this.name, Prefix: prefix, EncodingType: 'url', ContinuationToken: token }),
      );
      keys.push(...(answer.Contents ?? []).map(({ Key = '' }) => decodeURIComponent(Key.replaceAll('+', ' '))));
      token = answer.NextContinuationToken;
      if (token === undefined) return keys;
    }
  }

  async bytes(key: string): Promise<Buffer> {
    const { Body } = await this.client.send(new GetObjectCommand({ Bucket: this.name, Key: key }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  }

  async put(key: string, bytes: Uint8Array, more: Partial<PutObjectCommand['input']> = {}): Promise<void> {
    // The client would ask whether an empty body is a stream.
    const Body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    await this.client.send(new PutObjectCommand({ Bucket: this.name, Key: key, Body, ...more }));
  }

  async copy(from: string, to: string): Promise<void> {
    const CopySource = `${this.name}/${encodeURIComponent(from)}`;
    await this.client.send(new CopyObjectCommand({ Bucket: this.name, Key: to, CopySource }));
  }

  async remove(key: string): Promise<void> {
    await this.client.send(new DeleteObjectCommand({ Bucket: this.name, Key: key }));
  }
}

function clientOf({ endpoint, accessKeyId, secretAccessKey }: S3Server): S3Client {
  return new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    logger: { debug() {}, info() {}, warn() {}, error() {}, trace() {} },
  });
}

/** The items below `a<n>/`, with quarantine `q<n>` beside them. */
export class S3Store implements HttpStore {
  readonly answers = ANSWERS;
  readonly front: HttpFront;
  readonly bucket: Bucket;
  readonly prefix: string;
  readonly quarantine: string;
  readonly connector: Connector;
  readonly #settings: Partial<AwsS3Settings>;
  readonly #fronts: HttpFront[] = [];
  readonly #connectors: Connector[] = [];

  constructor(bucket: Bucket, front: HttpFront, name: string, settings: Partial<AwsS3Settings>) {
    this.bucket = bucket;
    this.front = front;
    this.prefix = `a${name}/`;
    this.quarantine = `q${name}/`;
    this.#settings = settings;
    this.connector = this.another();
  }

  another(front: HttpFront = this.front): Connector {
    const { accessKeyId, secretAccessKey } = this.bucket.server;
    const connector = createAwsS3Connector({
      id: 's3-test',
      assets: [`${this.bucket.name}/${this.prefix}`],
      quarantine: this.quarantine,
      endpoint: `http://127.0.0.1:${front.port}`,
      access: {
        kind: 'keys',
        accessKeyId: { reveal: () => accessKeyId },
        secretAccessKey: { reveal: () => secretAccessKey },
      },
      ...this.#settings,
    });
    this.#connectors.push(connector);
    return connector;
  }

  put(location: Buffer, bytes: Uint8Array): Promise<void> {
    return this.bucket.put(this.prefix + location.toString(), bytes);
  }

  overwrite(location: Buffer, bytes: Uint8Array): Promise<void> {
    return this.put(location, bytes);
  }

  remove(location: Buffer): Promise<void> {
    return this.bucket.remove(this.prefix + location.toString());
  }

  async putMany(locations: readonly string[]): Promise<void> {
    const left = [...locations];
    const runner = async () => {
      for (let one = left.pop(); one !== undefined; one = left.pop())
        await this.put(Buffer.from(one), Buffer.from('x'));
    };
    await Promise.all(Array.from({ length: 16 }, runner));
  }

  async contents(): Promise<Map<string, Buffer>> {
    const found = new Map<string, Buffer>();
    for (const key of await this.bucket.keys(this.prefix)) {
      const location = Buffer.from(key.slice(this.prefix.length)).toString('latin1');
      found.set(location, await this.bucket.bytes(key));
    }
    return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  async quarantined(destination: string): Promise<Buffer | undefined> {
    const key = this.quarantine + destination;
    return (await this.bucket.keys(key)).includes(key) ? this.bucket.bytes(key) : undefined;
  }

  occupy(destination: string, bytes: Uint8Array): Promise<void> {
    return this.bucket.put(this.quarantine + destination, bytes);
  }

  dying(change: number): { readonly connector: Connector; readonly died: Promise<void> } {
    const starting = this.#front().then((front) => ({ front, died: front.dieBefore(change).died }));
    const connector = starting.then(({ front }) => this.another(front));
    return {
      connector: {
        act: async (...given: Parameters<Connector['act']>) => (await connector).act(...given),
        restore: async (...given: Parameters<Connector['restore']>) => (await connector).restore(...given),
      } as Connector,
      died: starting.then(({ died }) => died),
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.front, ...this.#fronts].map((front) => front.close()));
    await Promise.all(this.#connectors.map((connector) => connector.close()));
    for (const prefix of [this.prefix, this.quarantine]) {
      const keys = await this.bucket.keys(prefix);
      await Promise.all(keys.map((key) => this.bucket.remove(key)));
    }
  }

  async #front(): Promise<HttpFront> {
    const { port, hostname } = new URL(this.bucket.server.endpoint);
    const front = await HttpFront.start({ host: hostname, port: Number(port) });
    this.#fronts.push(front);
    return front;
  }
}
