import type { ItemAction } from '../../domain/action.ts';
import { messageOf } from '../../domain/errors.ts';
import type { CheckReport } from '../connector.ts';
import { type Bucket, type Buckets, remains } from './bucket.ts';
import type { GcsClient } from './client.ts';
import { bucketPath } from './objects.ts';
import { type Place, quarantineFor, type Stretch, shown } from './place.ts';

type Check = CheckReport['checks'][number];

const SCAN = ['storage.objects.list', 'storage.objects.get'];
/** What an action needs of the bucket of the item, beside what a scan needs. */
const ON_ITEM: Readonly<Record<ItemAction, readonly string[]>> = {
  nothing: [],
  tag: ['storage.objects.update'],
  delete: ['storage.objects.delete'],
  move: ['storage.objects.delete'],
  movetag: ['storage.objects.delete'],
};
/** And of the bucket of quarantine: the mark of a deletion, the copy of a move, and what undoes it. */
const ON_QUARANTINE: Readonly<Record<ItemAction, readonly string[]>> = {
  nothing: [],
  tag: [],
  delete: ['storage.objects.create', 'storage.objects.get'],
  move: ['storage.objects.create', 'storage.objects.get', 'storage.objects.delete'],
  movetag: ['storage.objects.create', 'storage.objects.get', 'storage.objects.delete'],
};

/** Tries what a scan needs, and asks for the permissions that an action needs. Nothing is written. */
export async function checkGcs(
  client: GcsClient,
  buckets: Buckets,
  place: Place,
  action: ItemAction,
  purge: boolean,
  signal: AbortSignal,
): Promise<CheckReport> {
  const checks: Check[] = [];
  const attempt = async (name: string, body: () => Promise<string>): Promise<void> => {
    try {
      checks.push({ name, ok: true, detail: await body() });
    } catch (error) {
      signal.throwIfAborted();
      checks.push({ name, ok: false, detail: messageOf(error) });
    }
  };
  for (const asset of place.assets) {
    await attempt('list', async () => {
      await buckets.reach(asset.bucket, signal, asset.prefix);
      return `${shown(asset)} can be listed`;
    });
  }
  for (const bucket of new Set(place.assets.map((asset) => asset.bucket))) {
    const needed = new Map([[bucket, new Set([...SCAN, ...ON_ITEM[action]])]]);
    const area: Stretch = quarantineFor(place, bucket);
    needed.set(area.bucket, new Set([...(needed.get(area.bucket) ?? []), ...ON_QUARANTINE[action]]));
    for (const [name, permissions] of needed) {
      if (permissions.size === 0) continue;
      await attempt(name === bucket ? 'permissions' : 'quarantine', () =>
        holds(client, name, [...permissions], signal),
      );
    }
    if (action === 'nothing' || action === 'tag') continue;
    await attempt('deletion', async () => told(await buckets.facts(bucket, signal), bucket, purge));
  }
  return { ok: checks.every((check) => check.ok), checks };
}

/** @throws Error naming the permissions that are missing, and a role that has them */
async function holds(
  client: GcsClient,
  bucket: string,
  permissions: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const path = `${bucketPath(bucket)}/iam/testPermissions?${permissions.map((one) => `permissions=${one}`).join('&')}`;
  const about = { doing: 'asking for the permissions on', bucket };
  const answer = await client.json<{ permissions?: string[] }>({ method: 'GET', path, about }, signal);
  const missing = permissions.filter((one) => answer.permissions?.includes(one) !== true);
  if (missing.length === 0) return `bucket ${bucket}: ${permissions.join(', ')}`;
  const role = permissions.every((one) => SCAN.includes(one))
    ? 'roles/storage.objectViewer'
    : 'roles/storage.objectUser';
  throw new Error(`bucket ${bucket}: ${missing.join(', ')} is missing; grant ${role} on the bucket`);
}

function told(facts: Bucket | undefined, bucket: string, purge: boolean): string {
  const period = facts?.retentionPolicy?.retentionPeriod;
  const kept =
    period === undefined ? '' : `; its retention policy keeps objects for ${period} s, and refuses until then`;
  return `bucket ${bucket}: ${remains(facts, purge) ?? 'what is deleted is gone'}${kept}`;
}
