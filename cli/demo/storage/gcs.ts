import { createHash } from 'node:crypto';
import { startFakeGcs } from '../../../scripts/servers/fake-gcs.ts';
import { apart, DEMO_QUARANTINE, type DemoStorage } from './storage.ts';

const BUCKET = 'demo-bucket';
const PROJECT = 'demo-project';

/** A bucket of Google Cloud Storage in fake-gcs-server, behind a front that keeps Google's conditions. */
export async function startGcsStorage(): Promise<DemoStorage> {
  const server = await startFakeGcs();
  const base = `${server.endpoint}/storage/v1/b`;
  const headers = { 'content-type': 'application/json' };
  await ask(`${base}?project=${PROJECT}`, { method: 'POST', headers, body: JSON.stringify({ name: BUCKET }) });
  return {
    title: `a bucket in fake-gcs-server at ${server.endpoint}`,
    connector: {
      kind: 'google_cloud_storage',
      asset: BUCKET,
      quarantine: DEMO_QUARANTINE,
      endpoint: server.endpoint,
      projectId: PROJECT,
    },
    env: {},
    holds: () => true,
    async put(name, bytes) {
      const url = `${server.endpoint}/upload/storage/v1/b/${BUCKET}/o?uploadType=media&name=${encodeURIComponent(name)}`;
      await ask(url, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body: new Uint8Array(bytes),
      });
    },
    async contents() {
      const found = new Map<string, string>();
      let token = '';
      do {
        const page = (await (await ask(`${base}/${BUCKET}/o?pageToken=${encodeURIComponent(token)}`)).json()) as Listed;
        for (const { name } of page.items ?? []) {
          const answer = await ask(`${base}/${BUCKET}/o/${encodeURIComponent(name)}?alt=media`);
          const bytes = Buffer.from(await answer.arrayBuffer());
          found.set(name, createHash('sha256').update(bytes).digest('hex'));
        }
        token = page.nextPageToken ?? '';
      } while (token !== '');
      return apart(found);
    },
    stop: () => server.stop(),
  };
}

interface Listed {
  readonly items?: readonly { readonly name: string }[];
  readonly nextPageToken?: string;
}

async function ask(url: string, init?: RequestInit): Promise<Response> {
  const answer = await fetch(url, init);
  if (answer.ok) return answer;
  throw new Error(`fake-gcs-server answered ${answer.status} to ${init?.method ?? 'GET'} ${new URL(url).pathname}`);
}
