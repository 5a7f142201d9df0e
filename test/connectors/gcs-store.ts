import type { Connector } from '../../connectors/connector.ts';
import { createGcsConnector } from '../../connectors/google-cloud-storage/connector.ts';
import type { GcsObject } from '../../connectors/google-cloud-storage/objects.ts';
import type { GcsSettings } from '../../connectors/google-cloud-storage/settings.ts';
import type { FakeGcs } from '../../scripts/servers/fake-gcs.ts';
import type { HttpStore } from './http-conformance.ts';
import { HttpFront } from './http-front.ts';

export interface GcsStore extends HttpStore {
  readonly bucket: string;
  readonly settings: GcsSettings;
  /** A request past the front; undefined: not found. */
  object(key: string): Promise<GcsObject | undefined>;
  /** Puts an object under its whole key, with fields as an upload takes them. */
  plant(key: string, bytes: Uint8Array | string, fields?: Record<string, unknown>): Promise<GcsObject>;
  /** A connector on the same bucket with other settings. */
  withSettings(settings: Partial<GcsSettings>): Connector;
}

export interface GcsStoreOptions {
  /** The asset within the bucket: empty, or ending with `/`. */
  readonly prefix?: string;
  readonly versions?: boolean;
  readonly settings?: Partial<GcsSettings>;
}

const QUARANTINE = 'dsxconnect-quarantine/';
const JSON_TYPE = { 'content-type': 'application/json' };
let buckets = 0;

/** A bucket of its own in the fake, with a connector that reaches it through a front. */
export async function makeGcsStore(gcs: FakeGcs, options: GcsStoreOptions = {}): Promise<GcsStore> {
  const { prefix = '', versions = false } = options;
  const bucket = `bucket-${process.pid}-${buckets++}`;
  const base = `${gcs.endpoint}/storage/v1/b`;
  await ask('POST', `${base}?project=p`, JSON.stringify({ name: bucket, versioning: { enabled: versions } }));
  const front = await HttpFront.start({ host: '127.0.0.1', port: Number(new URL(gcs.endpoint).port) });
  const settings: GcsSettings = {
    id: 'objects',
    assets: [`${bucket}/${prefix}`],
    endpoint: `http://127.0.0.1:${front.port}`,
    projectId: 'p',
    ...options.settings,
  };
  const connectors: Connector[] = [];
  const withSettings = (more: Partial<GcsSettings>) => {
    const made = createGcsConnector({ ...settings, ...more });
    connectors.push(made);
    return made;
  };
  const urlOf = (key: string) => `${base}/${bucket}/o/${encodeURIComponent(key)}`;
  const bytesOf = async (key: string): Promise<Buffer | undefined> => {
    const answer = await fetch(`${urlOf(key)}?alt=media`, { headers: { 'accept-encoding': 'gzip' } });
    return answer.ok ? Buffer.from(await answer.arrayBuffer()) : void (await answer.arrayBuffer());
  };
  const plant: GcsStore['plant'] = async (key, bytes, fields = {}) => {
    const url = `${gcs.endpoint}/upload/storage/v1/b/${bucket}/o?uploadType=media&name=${encodeURIComponent(key)}`;
    const { contentType = 'application/octet-stream', contentEncoding, ...more } = fields;
    const encoding = contentEncoding === undefined ? '' : `&contentEncoding=${contentEncoding}`;
    const made = await ask('POST', url + encoding, bytes, { 'content-type': String(contentType) });
    if (Object.keys(more).length > 0) await ask('PATCH', urlOf(key), JSON.stringify(more));
    return made as GcsObject;
  };
  const put = async (location: Buffer, bytes: Uint8Array) => void (await plant(prefix + location.toString(), bytes));
  const connector = withSettings({});
  return {
    bucket,
    settings,
    front,
    connector,
    withSettings,
    plant,
    put,
    overwrite: put,
    answers: {
      throttled: {
        status: 429,
        headers: { ...JSON_TYPE, 'retry-after': '2' },
        body: refusal(429, 'rateLimitExceeded'),
      },
      expired: { status: 401, headers: JSON_TYPE, body: refusal(401, 'authError') },
      forbidden: { status: 403, headers: JSON_TYPE, body: refusal(403, 'forbidden') },
      broken: { status: 503, headers: JSON_TYPE, body: refusal(503, 'backendError') },
    },
    another: () => withSettings({}),
    object: async (key) => {
      const answer = await fetch(urlOf(key));
      const text = await answer.text();
      return answer.ok ? JSON.parse(text) : undefined;
    },
    async putMany(locations) {
      for (let at = 0; at < locations.length; at += 50) {
        await Promise.all(locations.slice(at, at + 50).map((location) => put(Buffer.from(location), Buffer.from('x'))));
      }
    },
    remove: async (location) => void (await ask('DELETE', urlOf(prefix + location.toString()))),
    async contents() {
      const found = new Map<string, Buffer>();
      let token = '';
      do {
        const query = `prefix=${encodeURIComponent(prefix)}&pageToken=${encodeURIComponent(token)}`;
        const page = (await ask('GET', `${base}/${bucket}/o?${query}`)) as {
          items?: GcsObject[];
          nextPageToken?: string;
        };
        for (const { name } of page.items ?? []) {
          if (name.startsWith(QUARANTINE)) continue;
          const location = Buffer.from(name.slice(prefix.length)).toString('latin1');
          found.set(location, (await bytesOf(name)) as Buffer);
        }
        token = page.nextPageToken ?? '';
      } while (token !== '');
      return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
    },
    quarantined: (destination) => bytesOf(QUARANTINE + destination),
    occupy: async (destination, bytes) => void (await plant(QUARANTINE + destination, bytes)),
    dying(change) {
      const { died } = front.dieBefore(change);
      const dead = died.then(() => front.calm());
      return { connector: withSettings({}), died: dead };
    },
    async close() {
      await Promise.all(connectors.map((one) => one.close()));
      await front.close();
    },
  };
}

export function refusal(code: number, reason: string): string {
  return JSON.stringify({ error: { code, message: reason, errors: [{ domain: 'global', reason, message: reason }] } });
}

async function ask(
  method: string,
  url: string,
  body?: Uint8Array | string,
  headers: Record<string, string> = JSON_TYPE,
): Promise<unknown> {
  const answer = await fetch(url, {
    method,
    headers,
    ...(body !== undefined && { body: body as NonNullable<RequestInit['body']> }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}
