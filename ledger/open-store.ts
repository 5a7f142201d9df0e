import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { systemCode } from '../domain/errors.ts';
import { type BucketAccess, isUrl, LEDGER_PLACES, parseLedgerBucket, placeOf } from '../domain/ledger-place.ts';
import { fromSystemError, LedgerError } from './errors.ts';
import type { ObjectStore } from './store.ts';
import { openDirectoryStore } from './stores/directory-store.ts';

/**
 * The store at a place: the path of a folder, which is made if `create` says so, or the URL of a bucket, which is never made.
 * @throws LedgerError `not_found` (without `create`), `not_writable`, `not_readable`, `no_space`, `credentials`, `not_there`, `invalid`
 */
export async function openStore(place: string, create: boolean, access: BucketAccess = {}): Promise<ObjectStore> {
  if (!isUrl(place)) {
    if (create) await makeFolder(resolve(place));
    return openDirectoryStore(place);
  }
  const bucket = parseLedgerBucket(place);
  switch (bucket?.kind) {
    case 's3':
      return (await import('./stores/s3-store.ts')).openS3Store(placeOf(bucket), bucket, access);
    case 'az':
      return (await import('./stores/azure-store.ts')).openAzureStore(placeOf(bucket), bucket, access);
    case 'gs':
      return (await import('./stores/gcs-store.ts')).openGcsStore(placeOf(bucket), bucket, access);
    default:
      throw new LedgerError('invalid', place, `A ledger can't lie at ${place}: it must be ${LEDGER_PLACES}.`);
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EEXIST' || code === 'ENOTDIR') {
      const what = `The ledger must be a folder, and ${path} is a file, or leads through one. Configure another path.`;
      throw new LedgerError('invalid', path, what, { cause: error });
    }
    throw fromSystemError(error, 'write', path);
  }
}
