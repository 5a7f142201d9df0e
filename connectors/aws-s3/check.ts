import { randomUUID } from 'node:crypto';
import { GetBucketRequestPaymentCommand, type S3Client } from '@aws-sdk/client-s3';
import type { ItemAction } from '../../domain/action.ts';
import { messageOf } from '../../domain/errors.ts';
import type { CheckReport } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import { openObject } from './open-object.ts';
import { objectsPage, versioningOf, versionsPage } from './pages.ts';
import { type Area, nameOf, type Place } from './place.ts';
import { probeConditions, probeDelete, probeTags } from './probe.ts';
import type { AwsS3Settings } from './settings.ts';

type Check = CheckReport['checks'][number];

/** Tries what a scan with this action needs, asset by asset. What it makes to try lies in quarantine, and is removed. */
export async function checkS3(
  client: S3Client,
  place: Place,
  settings: AwsS3Settings,
  action: ItemAction,
  signal: AbortSignal,
): Promise<CheckReport> {
  const checks: Check[] = [];
  const attempt = async (name: string, body: () => Promise<string>): Promise<boolean> => {
    try {
      checks.push({ name, ok: true, detail: await body() });
      return true;
    } catch (error) {
      signal.throwIfAborted();
      checks.push({ name, ok: false, detail: messageOf(error) });
      return false;
    }
  };
  for (const area of place.areas) {
    const name = nameOf(area);
    let versioned = false;
    const reached = await attempt(`list ${name}`, async () => {
      const versioning = await versioningOf(client, area.bucket, signal);
      versioned = versioning !== 'off';
      return canList(client, place, area, versioning, signal);
    });
    if (!reached || action === 'nothing') continue;
    if (action !== 'tag') await attempt(`delete in ${name}`, () => probeDelete(client, area, settings, signal));
    if (action !== 'delete') await attempt(`tag in ${name}`, () => probeTags(client, area, action, versioned, signal));
    if (action === 'tag') continue;
    const id = `.dsx-check-${randomUUID()}`;
    const quarantine = place.quarantineOf(area.bucket);
    await attempt(`quarantine ${nameOf(quarantine)}`, () => probeConditions(client, quarantine, id, signal));
  }
  return { ok: checks.every((check) => check.ok), checks };
}

/** Lists one page, and opens its first object. */
async function canList(
  client: S3Client,
  place: Place,
  area: Area,
  versioning: Awaited<ReturnType<typeof versioningOf>>,
  signal: AbortSignal,
): Promise<string> {
  const ask = versioning === 'off' ? objectsPage : versionsPage;
  const { entries } = await ask(client, { ...area, max: 10 }, signal).catch(async (error: unknown) => {
    throw (await refusedRequester(client, area, error, signal)) ?? error;
  });
  const first = entries.find(({ key }) => place.hiddenAbove({ bucket: area.bucket, key }) === undefined);
  const versions = versioning === 'off' ? 'without versions' : `with versions (${versioning})`;
  if (first === undefined) return `${nameOf(area)} can be listed, ${versions}; reading was not tried: nothing is there`;
  try {
    await (await openObject(client, { bucket: area.bucket, key: first.key }, signal)).close();
  } catch (error) {
    const codes = ['archived', 'customer_key', 'not_found'];
    if (!(error instanceof ConnectorError) || !codes.includes(error.code)) throw error;
  }
  return `${nameOf(area)} can be listed and read, ${versions}`;
}

/** A bucket whose requester pays refuses whoever does not say that he pays, and we never say so. */
async function refusedRequester(client: S3Client, { bucket }: Area, error: unknown, signal: AbortSignal) {
  if (!(error instanceof ConnectorError) || error.code !== 'permission_denied') return undefined;
  const answer = await client
    .send(new GetBucketRequestPaymentCommand({ Bucket: bucket }), { abortSignal: signal })
    .catch(() => undefined);
  if (answer?.Payer !== 'Requester') return undefined;
  const message = `the requester pays for ${bucket}, which is not supported: scan it with credentials of its owner`;
  return new ConnectorError('configuration', message, { cause: error });
}
