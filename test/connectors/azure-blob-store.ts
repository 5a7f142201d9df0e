import { randomBytes } from 'node:crypto';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { createAzureBlobConnector } from '../../connectors/azure-blob/connector.ts';
import type { AzureBlobSettings } from '../../connectors/azure-blob/settings.ts';
import type { Connector } from '../../connectors/connector.ts';
import type { AzuriteServer } from '../../scripts/servers/azurite.ts';
import type { HttpStore } from './http-conformance.ts';
import { HttpFront } from './http-front.ts';

export const QUARANTINE = 'dsxconnect-quarantine/';

/** Azurite takes `\` for `/`, as Azure does, and can't list the other two, which no XML can hold. */
export const AZURITE_GAPS: readonly Buffer[] = ['back\\slash', '\u0001control', '\uffff'].map((name) =>
  Buffer.from(name),
);

export interface AzureStoreOptions
  extends Partial<Pick<AzureBlobSettings, 'tags' | 'purge' | 'pageSize' | 'quarantine'>> {
  /** Below the container; ends with `/`. */
  readonly prefix?: string;
}

export interface AzureStore extends HttpStore {
  readonly container: ContainerClient;
  readonly settings: AzureBlobSettings;
  /** Another connector on the same container. */
  with(options: Partial<AzureBlobSettings>): Connector;
}

/** An answer of Azure with an error. */
export function answer(status: number, code: string, headers: Record<string, string> = {}) {
  return {
    status,
    headers: { 'x-ms-error-code': code, 'x-ms-request-id': 'r-1', 'content-type': 'application/xml', ...headers },
    body: `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>No.</Message></Error>`,
  };
}

/** A container of its own on a running Azurite, and a connector that reaches it through a front. */
export async function makeAzureStore(server: AzuriteServer, options: AzureStoreOptions = {}): Promise<AzureStore> {
  const { prefix = '', ...rest } = options;
  const service = BlobServiceClient.fromConnectionString(server.connectionString);
  const container = service.getContainerClient(`c-${randomBytes(8).toString('hex')}`);
  await container.create();
  const { hostname, port, pathname } = new URL(server.endpoint);
  const front = await HttpFront.start({ host: hostname, port: Number(port) });
  // Whoever dies says nothing more, on a front of its own.
  const mortalFront = await HttpFront.start({ host: hostname, port: Number(port) });
  const settingsAt = (at: HttpFront): AzureBlobSettings => ({
    id: 'blobs',
    assets: [{ container: container.containerName, prefix }],
    access: {
      method: 'account-key',
      endpoint: `http://127.0.0.1:${at.port}${pathname}`,
      account: server.account,
      accountKey: { reveal: () => server.key },
    },
    tags: 'index',
    purge: false,
    pageSize: 100,
    ...rest,
  });
  const settings = settingsAt(front);
  const connector = createAzureBlobConnector(settings);
  const blobOf = (location: Buffer) => container.getBlockBlobClient(prefix + location.toString('utf8'));
  const put = async (location: Buffer, bytes: Uint8Array) => {
    await blobOf(location).uploadData(Buffer.from(bytes));
  };
  const held = (destination: string) => container.getBlockBlobClient(`${QUARANTINE}${destination}`);
  return {
    connector,
    front,
    container,
    settings,
    with: (others) => createAzureBlobConnector({ ...settings, ...others }),
    put,
    overwrite: put,
    async remove(location) {
      await blobOf(location).delete();
    },
    async contents() {
      const found = new Map<string, Buffer>();
      for await (const { name } of container.listBlobsFlat()) {
        if (name.startsWith(QUARANTINE) || !name.startsWith(prefix)) continue;
        const bytes = await container.getBlockBlobClient(name).downloadToBuffer();
        found.set(Buffer.from(name.slice(prefix.length)).toString('latin1'), bytes);
      }
      return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
    },
    async quarantined(destination) {
      return (await held(destination).exists()) ? held(destination).downloadToBuffer() : undefined;
    },
    async occupy(destination, bytes) {
      await held(destination).uploadData(Buffer.from(bytes));
    },
    dying(change) {
      const connector = createAzureBlobConnector(settingsAt(mortalFront));
      return { connector, ...mortalFront.dieBefore(change) };
    },
    async putMany(locations) {
      const queue = [...locations];
      const work = async () => {
        for (let next = queue.pop(); next !== undefined; next = queue.pop())
          await put(Buffer.from(next), Buffer.from('x'));
      };
      await Promise.all(Array.from({ length: 8 }, work));
    },
    another: () => createAzureBlobConnector(settings),
    answers: {
      throttled: answer(503, 'ServerBusy', { 'retry-after': '2' }),
      expired: answer(403, 'AuthenticationFailed'),
      forbidden: answer(403, 'AuthorizationPermissionMismatch'),
      broken: answer(500, 'InternalError'),
    },
    async close() {
      await connector.close();
      await mortalFront.close();
      await front.close();
      await container.delete();
    },
  };
}
