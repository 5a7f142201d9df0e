import type { AssetPage } from '../connector.ts';
import { closeFd } from './calls.ts';
import { readKeys } from './folder.ts';
import { joined, type Raw, rawOf, readable, refOf } from './names.ts';
import { isHidden, openFolder, type Place } from './place.ts';

/**
 * The asset itself, and the folders at its top: quarantine and our own state apart, and those whose names are not UTF-8, which no
 * configuration can write. `after` is the readable name of the last folder given.
 */
export async function assetsOf(
  place: Place,
  { limit, after }: { readonly limit: number; readonly after?: string },
): Promise<AssetPage> {
  if (place.only !== undefined) {
    return { assets: [{ asset: readable(joined(place.root, place.only)), detail: 'the asset, one file' }] };
  }
  const itself = { asset: readable(place.root), detail: 'the asset' };
  const behind = after === undefined || after === '' ? '' : `${rawOf(after)}/`;
  const folders = (await namesOf(place.root)).filter((key) => nameable(place, key) && behind < key);
  const shown = folders.slice(0, after === undefined ? Math.max(0, limit - 1) : limit);
  const last = shown.at(-1);
  const more = shown.length < folders.length;
  return {
    assets: [
      ...(after === undefined ? [itself] : []),
      ...shown.map((key) => ({ asset: readable(joined(place.root, key.slice(0, -1))), detail: 'a folder' })),
    ],
    ...(more && { next: last === undefined ? '' : readable(last.slice(0, -1)) }),
  };
}

async function namesOf(root: Raw): Promise<Raw[]> {
  const fd = await openFolder(root, '');
  try {
    return await readKeys(root, 0);
  } finally {
    closeFd(fd);
  }
}

function nameable(place: Place, key: Raw): boolean {
  return key.endsWith('/') && refOf(key).locationBytes === undefined && !isHidden(place, key);
}
