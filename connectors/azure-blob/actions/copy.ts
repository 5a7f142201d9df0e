import { setTimeout as pause } from 'node:timers/promises';
import type { BlobBeginCopyFromURLOptions, BlobClient } from '@azure/storage-blob';
import { failed } from '../../action-stop.ts';
import { etagOf, versionOf } from '../entry.ts';
import { addressOf, type BlobPlace } from '../names.ts';
import type { Texts } from './provenance.ts';
import { blobAt, change, deleteAt, type Facts, factsAt, type Work } from './work.ts';

/** A copy that the store makes by itself is looked at so often, in milliseconds: at first, and at most. */
const FIRST_LOOK_MS = 200;
const LONGEST_LOOK_MS = 5_000;

export interface CopyOrder {
  readonly from: BlobPlace;
  readonly to: BlobPlace;
  /** Of `from`, at the version that is copied. */
  readonly facts: Facts;
  readonly metadata: Texts;
  /** Index tags, which a copy has only when they are given. */
  readonly tags?: Texts;
}

/**
 * Copies a blob within its account, of any type and size: at exactly one version, to a name that is free. Waits until the store
 * has done it, and verifies the copy.
 * @returns what is at the new name
 * @throws ConnectorError `changed`, `not_found`; and what `isTaken` knows
 */
export async function copyBlob(work: Work, { from, to, facts, metadata, tags }: CopyOrder): Promise<Facts> {
  const source = blobAt(work, from).url;
  await change(work, { doing: 'copying', what: addressOf(from) }, async (abortSignal) => {
    return beginCopy(blobAt(work, to), source, {
      abortSignal,
      conditions: { ifNoneMatch: '*' },
      sourceConditions: { ifMatch: etagOf(versionOf(facts.etag)) },
      metadata,
      ...(tags !== undefined && Object.keys(tags).length > 0 && { tags }),
      // A tier that nobody chose is not chosen for the copy either.
      ...(facts.blobType === 'BlockBlob' && facts.accessTier !== undefined && !facts.accessTierInferred
        ? { tier: facts.accessTier }
        : {}),
      ...(facts.isSealed === true && { sealBlob: true }),
    });
  });
  const copy = await factsAt(work, to);
  if (copy === undefined) throw failed('storage_error', `${addressOf(to)} is not there after the copy`);
  const made = await settled(work, to, copy);
  verify(facts, made, to);
  return made;
}

/** One request: the store copies by itself from then on. The id of the copy stands for the answer. */
export async function beginCopy(to: BlobClient, source: string, options: BlobBeginCopyFromURLOptions) {
  const poller = await to.beginCopyFromURL(source, options);
  const { copyId } = poller.getOperationState() as { readonly copyId?: string };
  return { _response: { headers: { get: () => copyId } } };
}

/** Waits while a copy is pending. Removes one that came to nothing. @throws Stop `storage_error` for that */
export async function settled(work: Work, place: BlobPlace, first: Facts): Promise<Facts> {
  let facts: Facts | undefined = first;
  for (let wait = FIRST_LOOK_MS; facts?.copyStatus === 'pending'; wait = Math.min(2 * wait, LONGEST_LOOK_MS)) {
    await pause(wait, undefined, { signal: work.signal }).catch(() => work.signal.throwIfAborted());
    facts = await factsAt(work, place);
  }
  if (facts === undefined) throw failed('storage_error', `${addressOf(place)} went away while it was copied`);
  if (facts.copyStatus !== 'failed' && facts.copyStatus !== 'aborted') return facts;
  await deleteAt(work, place, versionOf(facts.etag));
  throw failed('storage_error', `the copy to ${addressOf(place)} ${facts.copyStatus}; what there was of it is removed`);
}

function verify(original: Facts, copy: Facts, to: BlobPlace): void {
  const hashes = [original.contentMD5, copy.contentMD5].map((hash) => hash && Buffer.from(hash).toString('hex'));
  const same = original.contentLength === copy.contentLength && original.blobType === copy.blobType;
  if (same && hashes[0] === hashes[1]) return;
  throw failed('storage_error', `the copy at ${addressOf(to)} is not like the original`);
}
