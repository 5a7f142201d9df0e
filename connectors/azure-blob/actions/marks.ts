import { findingHash } from '../../action-stop.ts';
import { ConnectorError } from '../../errors.ts';
import { versionOf } from '../entry.ts';
import { addressOf } from '../names.ts';
import { type ActionWork, blobAt, change, deleteAt, factsAt, isTaken } from './work.ts';

/** What a mark says: a deletion for this finding was about to be made. */
export interface Mark {
  /** The version that the deletion leaves behind, where the account keeps versions. */
  readonly versionId?: string;
}

const MARKED_VERSION = 'dsx_version_id';

function placeOf(work: ActionWork) {
  return work.names.mark(work.place, findingHash(work.finding));
}

/** The mark of this finding, undefined when there is none. @throws ConnectorError */
export async function readMark(work: ActionWork): Promise<Mark | undefined> {
  const facts = await factsAt(work, placeOf(work));
  if (facts === undefined) return undefined;
  const versionId = facts.metadata?.[MARKED_VERSION];
  return versionId === undefined ? {} : { versionId };
}

/** Leaves the evidence that a repeated intent which finds nothing needs, before the deletion. One that is there stays. */
export async function writeMark(work: ActionWork, { versionId }: Mark): Promise<void> {
  const { finding, intent, location } = work;
  const place = placeOf(work);
  const { verdict, sha256, judgedAt } = intent.provenance;
  const record = { finding, location, version: intent.judged.version, verdict, sha256, judgedAt };
  const body = Buffer.from(`${JSON.stringify(record)}\n`);
  const options = {
    conditions: { ifNoneMatch: '*' },
    blobHTTPHeaders: { blobContentType: 'application/json' },
    ...(versionId !== undefined && { metadata: { [MARKED_VERSION]: versionId } }),
  };
  try {
    await change(work, { doing: 'marking the deletion at', what: addressOf(place) }, (abortSignal) =>
      blobAt(work, place).upload(body, body.length, { abortSignal, ...options }),
    );
  } catch (error) {
    if (!isTaken(error)) throw error;
  }
}

/** Takes the mark back: nothing was deleted. */
export async function withdrawMark(work: ActionWork): Promise<void> {
  const place = placeOf(work);
  try {
    const facts = await factsAt(work, place);
    if (facts !== undefined) await deleteAt(work, place, versionOf(facts.etag));
  } catch (error) {
    work.signal.throwIfAborted();
    if (!(error instanceof ConnectorError)) throw error;
  }
}
