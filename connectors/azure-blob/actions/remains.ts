import type { BlobItem } from '@azure/storage-blob';
import { ConnectorError } from '../../errors.ts';
import { ask } from '../ask.ts';
import { addressOf } from '../names.ts';
import { blobAt, change, type Work } from './work.ts';

/** What of a deleted blob the store keeps: earlier versions, snapshots, what soft delete holds. A sentence, or none. */
export async function remains(work: Work): Promise<string | undefined> {
  const unknown = 'what versions or soft delete keep of it could not be looked up';
  const kept = await keptOf(work).catch((error: unknown) => {
    work.signal.throwIfAborted();
    if (error instanceof ConnectorError) return undefined;
    throw error;
  });
  if (kept === undefined) return unknown;
  const deleted = kept.filter((blob) => blob.deleted === true);
  const others = kept.length - deleted.length;
  const days = Math.max(0, ...deleted.map((blob) => blob.properties.remainingRetentionDays ?? 0));
  const told = [
    ...(others > 0 ? [`${others} earlier versions or snapshots of it remain`] : []),
    ...(deleted.length > 0 ? [`soft delete keeps ${deleted.length} copies of it, for up to ${days} days`] : []),
  ];
  return told.length === 0 ? undefined : told.join(', and ');
}

async function keptOf(work: Work): Promise<BlobItem[]> {
  try {
    return await listed(work, { includeDeleted: true, includeVersions: true, includeSnapshots: true });
  } catch (error) {
    // Accounts with a hierarchical namespace have no versions to ask for.
    if (!(error instanceof ConnectorError) || error.code !== 'storage_error') throw error;
    return await listed(work, { includeDeleted: true });
  }
}

async function listed(work: Work, include: object): Promise<BlobItem[]> {
  const { container, name } = work.place;
  const doing = { doing: 'looking for what remains of', what: addressOf(work.place) };
  const page = await ask(doing, work.signal, async (abortSignal) => {
    const blobs = work.service.getContainerClient(container).listBlobsFlat({ abortSignal, prefix: name, ...include });
    return (await blobs.byPage({ maxPageSize: 1000 }).next()).value;
  });
  const all: readonly BlobItem[] = page.segment.blobItems;
  return all.filter((blob) => blob.name === name && isLeftover(blob));
}

function isLeftover({ deleted, snapshot, versionId, isCurrentVersion }: BlobItem): boolean {
  const version = versionId !== undefined && versionId !== '' && isCurrentVersion !== true;
  return deleted === true || (snapshot !== undefined && snapshot !== '') || version;
}

/**
 * Deletes the version that a deletion has left behind, with `purge`. Gone already is as well. The item is gone by then, so that
 * what keeps the version is a sentence for the report.
 */
export async function purgeVersion(work: Work, versionId: string | undefined): Promise<string | undefined> {
  if (!work.settings.purge || versionId === undefined) return undefined;
  const doing = { doing: 'deleting the version of', what: addressOf(work.place) };
  try {
    await change(work, doing, (abortSignal) => blobAt(work, work.place).withVersion(versionId).delete({ abortSignal }));
  } catch (error) {
    work.signal.throwIfAborted();
    if (!(error instanceof ConnectorError)) throw error;
    if (error.code !== 'not_found') return `its version ${versionId} could not be purged: ${error.message}`;
  }
  return undefined;
}
