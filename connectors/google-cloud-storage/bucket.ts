import type { GcsClient } from './client.ts';
import { refusalOf } from './failures.ts';
import { bucketPath } from './objects.ts';

/** What is known of a bucket beside its objects. */
export interface Bucket {
  readonly versioning?: { readonly enabled?: boolean };
  readonly softDeletePolicy?: { readonly retentionDurationSeconds?: string };
  readonly retentionPolicy?: { readonly retentionPeriod?: string; readonly isLocked?: boolean };
}

/** How long what was learnt of a bucket is taken for true. Milliseconds. */
const TRUST_MS = 60_000;

/** Questions about buckets, remembered for a minute. */
export class Buckets {
  readonly #client: GcsClient;
  readonly #facts = new Map<string, { readonly at: number; readonly facts: Promise<Bucket | undefined> }>();
  readonly #seen = new Map<string, number>();

  constructor(client: GcsClient) {
    this.#client = client;
  }

  /** Undefined where the login may not look (`storage.buckets.get`). @throws ConnectorError */
  facts(bucket: string, signal: AbortSignal): Promise<Bucket | undefined> {
    const known = this.#facts.get(bucket);
    if (known !== undefined && Date.now() - known.at < TRUST_MS) return known.facts;
    const query = { fields: 'versioning,softDeletePolicy,retentionPolicy' };
    const call = { method: 'GET', path: bucketPath(bucket), query, about: { doing: 'looking at', bucket } } as const;
    const facts = this.#client.json<Bucket>(call, signal).catch((error: unknown) => {
      if (refusalOf(error)?.status === 403) return undefined;
      this.#facts.delete(bucket);
      throw error;
    });
    this.#facts.set(bucket, { at: Date.now(), facts });
    return facts;
  }

  /** Proves that a bucket is there and can be listed. @throws ConnectorError `configuration` when not */
  async reach(bucket: string, signal: AbortSignal, prefix = ''): Promise<void> {
    const query = { maxResults: 1, fields: 'kind,nextPageToken', ...(prefix !== '' && { prefix }) };
    const about = { doing: 'listing', bucket };
    const kind = 'storage#objects';
    await this.#client.json({ method: 'GET', path: `${bucketPath(bucket)}/o`, query, kind, about }, signal);
    this.#seen.set(bucket, Date.now());
  }

  /** The same, unless it was proven within the last minute. @throws ConnectorError */
  async proveThere(bucket: string, signal: AbortSignal): Promise<void> {
    const seen = this.#seen.get(bucket);
    if (seen === undefined || Date.now() - seen >= TRUST_MS) await this.reach(bucket, signal);
  }
}

/**
 * What stays of a deleted object, as the note of a report; undefined when nothing does. `forGood`: its noncurrent version is
 * deleted too.
 */
export function remains(bucket: Bucket | undefined, forGood: boolean): string | undefined {
  if (bucket === undefined)
    return 'whether the bucket keeps deleted objects is not known: storage.buckets.get is missing';
  const kept: string[] = [];
  if (bucket.versioning?.enabled === true && !forGood) kept.push('it stays in the bucket as a noncurrent version');
  const seconds = Number(bucket.softDeletePolicy?.retentionDurationSeconds ?? 0);
  if (seconds > 0) kept.push(`the bucket keeps deleted objects for ${seconds} s (soft delete)`);
  return kept.length === 0 ? undefined : kept.join('; ');
}
