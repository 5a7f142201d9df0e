import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { Stop } from '../../action-stop.ts';
import { ConnectorError } from '../../errors.ts';
import { failure, shown } from '../failures.ts';
import { type Facts, factsAt } from '../object.ts';
import { versioningOf } from '../pages.ts';
import type { Spot } from '../place.ts';
import { versionOf } from '../version.ts';
import type { ActionWork, Work } from './work.ts';

/** How a removal ended. `facts`: what is in place now. */
export type Removal =
  | { readonly kind: 'removed'; readonly facts?: Facts }
  /** Somebody replaced it first: this version was not removed by us. */
  | { readonly kind: 'replaced'; readonly facts: Facts };

/**
 * Removes the judged version. Without versions, and with them unless `purge`, by `If-Match`: S3 then removes it, or lays a delete marker
 * over it, only while it is the current one. With `purge`, that version alone, by its id. Then the store is asked what is in place.
 * @throws ConnectorError, Stop `retained`
 */
export async function removeJudged(work: ActionWork, facts: Facts): Promise<Removal> {
  const exact = work.settings.purge === true ? (facts.versionId ?? (await nullVersion(work))) : undefined;
  await refuseRetained(work, facts, exact !== undefined);
  const replaced = await removeObject(work, work.spot, facts, exact);
  const now = await factsAt(work.client, work.spot, work.signal);
  if (now === undefined) return { kind: 'removed' };
  if (versionOf(now) === versionOf(facts)) {
    const why = replaced ? 'could not be deleted: another request was about it' : 'is still there after it was deleted';
    throw new ConnectorError('storage_error', `${shown(work.spot)} ${why}`);
  }
  return { kind: replaced ? 'replaced' : 'removed', facts: now };
}

/** Removes one version, or what is in place under a condition. @returns whether the condition did not hold */
export async function removeObject(work: Work, spot: Spot, facts: Facts, versionId?: string): Promise<boolean> {
  const target = { Bucket: spot.bucket, Key: spot.key };
  const what = versionId === undefined ? { IfMatch: facts.etag } : { VersionId: versionId };
  try {
    await work.client.send(new DeleteObjectCommand({ ...target, ...what }), { abortSignal: work.signal });
    return false;
  } catch (error) {
    work.signal.throwIfAborted();
    const permission = versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion';
    const found = failure(error, `deleting ${shown(spot)}`, `${permission} on arn:aws:s3:::${spot.bucket}/*`);
    if (found.code === 'changed' || found.code === 'not_found') return true;
    throw found;
  }
}

/** A version under retention or a legal hold can't be deleted; a delete marker can be laid over it. */
async function refuseRetained({ spot }: Work, { head }: Facts, exact: boolean): Promise<void> {
  const until = head.ObjectLockRetainUntilDate;
  const held = head.ObjectLockLegalHoldStatus === 'ON';
  if (!exact || (!held && (until === undefined || until.getTime() <= Date.now()))) return;
  const why = held ? 'a legal hold' : `retention until ${until?.toISOString()}`;
  throw new Stop({ state: 'refused', code: 'retained', note: `${shown(spot)} is under ${why}` });
}

/** The version without an id, where the bucket has or had versions. */
async function nullVersion({ client, spot, signal }: Work): Promise<string | undefined> {
  return (await versioningOf(client, spot.bucket, signal)) === 'off' ? undefined : 'null';
}

/** What is told of the bytes that remain in a bucket with versions. */
export async function remaining(work: ActionWork): Promise<string | undefined> {
  if (work.settings.purge === true) return undefined;
  const { versionId } = work.judged;
  if (versionId === undefined) {
    const status = await versioningOf(work.client, work.spot.bucket, work.signal).catch(() => 'off');
    if (status !== 'Enabled') return undefined;
  }
  return `the judged version remains below a delete marker as version ${versionId ?? 'null'}; purge: true would delete it`;
}
