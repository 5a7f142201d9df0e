import { GetObjectTaggingCommand, PutObjectTaggingCommand } from '@aws-sdk/client-s3';
import type { ActionIntent } from '../../../domain/action.ts';
import { failed } from '../../action-stop.ts';
import { failure, shown } from '../failures.ts';
import type { Spot } from '../place.ts';
import { OURS } from './record.ts';
import type { Work } from './work.ts';

export type Tags = Readonly<Record<string, string>>;

/** Tags of one object. */
const MOST_TAGS = 10;
const LONGEST_VALUE = 256;
/** Those that a tag is for: verdict and finding. */
const NEEDED_TAGS = 2;

/** The tags of a finding, the most telling first. */
export function tagsOf(intent: ActionIntent): Tags {
  const { verdict, threatType, job, sha256, scanId, standIn, judgedAt } = intent.provenance;
  return {
    'dsx-verdict': tagValue(verdict),
    'dsx-finding': tagValue(intent.finding),
    ...(threatType !== undefined && { 'dsx-threat': tagValue(threatType) }),
    ...(standIn && { 'dsx-stand-in': 'true' }),
    'dsx-sha256': sha256,
    'dsx-judged-at': tagValue(judgedAt),
    ...(scanId !== undefined && { 'dsx-scan-id': tagValue(scanId) }),
    'dsx-job': tagValue(job),
  };
}

/** Signs that S3 takes in tags of any store; every other one is a `_`. */
function tagValue(text: string): string {
  return text.replace(/[^A-Za-z0-9 +\-=._:/@]/g, '_').slice(0, LONGEST_VALUE);
}

/**
 * The tags that are there with ours, of which at least verdict and finding must find room; those of others all stay.
 * @throws Stop `not_supported` when there is no room
 */
export function mergeTags(there: Tags, ours: Tags): Tags {
  const theirs = theirTags(there);
  const room = MOST_TAGS - Object.keys(theirs).length;
  if (room < NEEDED_TAGS) {
    throw failed('not_supported', `it has ${Object.keys(theirs).length} tags, of ten that S3 allows; ours need two`);
  }
  return { ...theirs, ...Object.fromEntries(Object.entries(ours).slice(0, room)) };
}

/** The same for a copy that must be made: as many of ours as find room, be it none. */
export function fittingTags(there: Tags, ours: Tags): { tags: Tags; left: boolean } {
  const theirs = theirTags(there);
  const room = Math.max(0, MOST_TAGS - Object.keys(theirs).length);
  const fitting = Object.entries(ours).slice(0, room);
  return { tags: { ...theirs, ...Object.fromEntries(fitting) }, left: room < NEEDED_TAGS };
}

export function theirTags(there: Tags): Tags {
  return Object.fromEntries(Object.entries(there).filter(([name]) => !name.startsWith(OURS)));
}

export function sameTags(a: Tags, b: Tags): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

/** As a query, as the header of a copy has them. */
export function tagsQuery(tags: Tags): string {
  return new URLSearchParams(tags).toString();
}

/** @throws ConnectorError */
export async function readTags({ client, signal }: Work, spot: Spot, versionId?: string): Promise<Tags> {
  const target = { Bucket: spot.bucket, Key: spot.key, ...(versionId !== undefined && { VersionId: versionId }) };
  try {
    const { TagSet = [] } = await client.send(new GetObjectTaggingCommand(target), { abortSignal: signal });
    return Object.fromEntries(TagSet.map(({ Key = '', Value = '' }) => [Key, Value]));
  } catch (error) {
    signal.throwIfAborted();
    const permission = versionId === undefined ? 's3:GetObjectTagging' : 's3:GetObjectVersionTagging';
    throw failure(error, `reading the tags of ${shown(spot)}`, `${permission} on arn:aws:s3:::${spot.bucket}/*`);
  }
}

/** @throws ConnectorError */
export async function writeTags({ client, signal }: Work, spot: Spot, tags: Tags, versionId?: string): Promise<void> {
  const target = { Bucket: spot.bucket, Key: spot.key, ...(versionId !== undefined && { VersionId: versionId }) };
  const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  try {
    await client.send(new PutObjectTaggingCommand({ ...target, Tagging: { TagSet } }), { abortSignal: signal });
  } catch (error) {
    signal.throwIfAborted();
    const permission = versionId === undefined ? 's3:PutObjectTagging' : 's3:PutObjectVersionTagging';
    throw failure(error, `writing the tags of ${shown(spot)}`, `${permission} on arn:aws:s3:::${spot.bucket}/*`);
  }
}
