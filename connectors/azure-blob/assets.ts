import type { BlobServiceClient } from '@azure/storage-blob';
import type { Asset, AssetPage } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import { ask } from './ask.ts';
import { byteOrder, type Names } from './names.ts';

/** Names asked for in one request. */
const PAGE = 5_000;

/**
 * The containers of the account, each followed by the prefixes at its top, quarantine apart. `after` is the last asset given.
 * @throws ConnectorError
 */
export async function assetsOf(
  service: BlobServiceClient,
  names: Names,
  { limit, after }: { readonly limit: number; readonly after?: string },
  signal: AbortSignal,
): Promise<AssetPage> {
  const [from = '', ...rest] = (after ?? '').split('/');
  const behind = rest.length === 0 ? '' : rest.join('/');
  const assets: Asset[] = [];
  for (const container of await containersFrom(service, from, signal)) {
    const isFirst = container === from;
    if (!isFirst && !names.isHidden(container, '')) assets.push({ asset: container, detail: 'a container' });
    if (assets.length > limit) break;
    for (const prefix of await prefixesOf(service, container, signal)) {
      if ((isFirst && byteOrder(prefix, behind) <= 0) || names.isHidden(container, prefix)) continue;
      assets.push({ asset: `${container}/${prefix}`, detail: 'a prefix' });
      if (assets.length > limit) break;
    }
    if (assets.length > limit) break;
  }
  const shown = assets.slice(0, limit);
  const last = shown.at(-1)?.asset ?? after;
  return { assets: shown, ...(assets.length > limit && { next: last ?? '' }) };
}

async function containersFrom(service: BlobServiceClient, from: string, signal: AbortSignal): Promise<string[]> {
  const found: string[] = [];
  const doing = { doing: 'listing the containers of', what: service.accountName };
  for (let token: string | undefined = ''; token !== undefined; ) {
    const continuationToken: string = token;
    const page = await ask(doing, signal, async (abortSignal) => {
      const pages = service.listContainers({ abortSignal });
      const settings = { maxPageSize: PAGE, ...(continuationToken !== '' && { continuationToken }) };
      return (await pages.byPage(settings).next()).value;
    });
    for (const { name } of page.containerItems as readonly { name: string }[]) {
      if (byteOrder(name, from) >= 0) found.push(name);
    }
    token = page.continuationToken === '' ? undefined : page.continuationToken;
  }
  return found.sort(byteOrder);
}

/** In byte order. None where the blobs of the container may not be listed. */
async function prefixesOf(service: BlobServiceClient, container: string, signal: AbortSignal): Promise<string[]> {
  const found: string[] = [];
  const client = service.getContainerClient(container);
  try {
    for (let token: string | undefined = ''; token !== undefined; ) {
      const continuationToken: string = token;
      const page = await ask({ doing: 'listing', what: container }, signal, async (abortSignal) => {
        const pages = client.listBlobsByHierarchy('/', { abortSignal });
        const settings = { maxPageSize: PAGE, ...(continuationToken !== '' && { continuationToken }) };
        return (await pages.byPage(settings).next()).value;
      });
      for (const { name } of (page.segment.blobPrefixes ?? []) as readonly { name: string }[]) found.push(name);
      token = page.continuationToken === '' ? undefined : page.continuationToken;
    }
  } catch (error) {
    if (!(error instanceof ConnectorError) || error.code !== 'permission_denied') throw error;
  }
  return found.sort(byteOrder);
}
