import type { BlobServiceClient, ContainerClient } from '@azure/storage-blob';
import { ask } from './ask.ts';
import { serviceOf } from './client.ts';
import { assetName, Names } from './names.ts';
import type { AzureAsset, AzureBlobSettings } from './settings.ts';

/** An account as a connector's settings reach it, and the names within. */
export class AzureConnection {
  readonly settings: AzureBlobSettings;
  readonly names: Names;
  readonly service: BlobServiceClient;
  /** Those of the assets, which are met with every item. */
  readonly #containers = new Map<string, ContainerClient>();

  /** @throws ConnectorError `configuration` */
  constructor(settings: AzureBlobSettings) {
    this.settings = settings;
    this.service = serviceOf(settings.access);
    this.names = new Names(settings, this.service.accountName);
  }

  /** The client of a container that an asset lies in. */
  container(name: string): ContainerClient {
    let client = this.#containers.get(name);
    if (client === undefined) {
      client = this.service.getContainerClient(name);
      this.#containers.set(name, client);
    }
    return client;
  }

  /** The name of the first blob of an asset. @throws ConnectorError where it can't be listed */
  async first({ container, prefix }: AzureAsset, signal: AbortSignal): Promise<string | undefined> {
    const page = await ask(
      { doing: 'listing', what: assetName({ container, prefix }) },
      signal,
      async (abortSignal) => {
        const blobs = this.service.getContainerClient(container).listBlobsFlat({ abortSignal, prefix });
        return (await blobs.byPage({ maxPageSize: 1 }).next()).value;
      },
    );
    return page.segment.blobItems[0]?.name;
  }

  /** Where the assets are, once the first of them has answered. @throws ConnectorError */
  async fingerprint(signal: AbortSignal): Promise<string> {
    const { assets } = this.names;
    const [first] = assets;
    if (first !== undefined) await this.first(first, signal);
    const { host, pathname } = new URL(this.service.url);
    return `${host}${pathname.replace(/\/+$/, '')}:${assets.map(assetName).join(',')}`;
  }
}
