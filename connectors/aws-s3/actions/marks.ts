import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { findingHash } from '../../action-stop.ts';
import { failure, shown } from '../failures.ts';
import { factsAt } from '../object.ts';
import type { Spot } from '../place.ts';
import type { ActionWork } from './work.ts';

/** Evidence that a deletion was begun: an empty object below quarantine, named by the finding. */
function markOf({ place, spot, finding }: ActionWork): Spot {
  const { bucket, prefix } = place.quarantineOf(spot.bucket);
  return { bucket, key: `${prefix}.deleted/${findingHash(finding)}` };
}

export async function isMarked(work: ActionWork): Promise<boolean> {
  return (await factsAt(work.client, markOf(work), work.signal)) !== undefined;
}

/** @throws ConnectorError */
export async function mark(work: ActionWork): Promise<void> {
  const spot = markOf(work);
  const { bucket, key } = spot;
  const Metadata = { 'dsx-finding': encodeURIComponent(work.finding), 'dsx-sha256': work.intent.provenance.sha256 };
  try {
    await work.client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: '', Metadata }), {
      abortSignal: work.signal,
    });
  } catch (error) {
    work.signal.throwIfAborted();
    throw failure(error, `writing ${shown(spot)}`, `s3:PutObject on arn:aws:s3:::${bucket}/${key}`);
  }
}

/** Takes the mark back, when nothing was deleted. Never throws: a mark alone changes nothing for anybody. */
export async function unmark(work: ActionWork): Promise<void> {
  const { bucket, key } = markOf(work);
  await work.client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key })).catch(() => undefined);
}
