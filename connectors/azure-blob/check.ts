import { randomUUID } from 'node:crypto';
import type { BlockBlobClient } from '@azure/storage-blob';
import type { ItemAction } from '../../domain/action.ts';
import { messageOf } from '../../domain/errors.ts';
import type { CheckReport } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import { beginCopy } from './actions/copy.ts';
import { change } from './actions/work.ts';
import type { AzureConnection } from './connection.ts';
import { etagOf, versionOf } from './entry.ts';
import { assetName } from './names.ts';
import type { AzureAsset } from './settings.ts';

type Check = CheckReport['checks'][number];
type Answered = Parameters<typeof change>[2] extends (signal: AbortSignal) => Promise<infer T> ? T : never;

const BLOBS = 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs';
const READER = 'Storage Blob Data Reader';
const CONTRIBUTOR = 'Storage Blob Data Contributor';
const OWNER = 'Storage Blob Data Owner';

/** What a step needs: the data action, the built-in role with the least beside it, the permissions of a shared access signature. */
interface Need {
  readonly action: string;
  readonly role: string;
  readonly sas: string;
}

const READ: Need = { action: `${BLOBS}/read`, role: READER, sas: 'rl' };
const WRITE: Need = { action: `${BLOBS}/write`, role: CONTRIBUTOR, sas: 'rlcw' };
const DELETE: Need = { action: `${BLOBS}/delete`, role: CONTRIBUTOR, sas: 'rlcwd' };
const TAGS: Need = { action: `${BLOBS}/tags/write and ${BLOBS}/tags/read`, role: OWNER, sas: 'rlcwdt' };

/** Tries what a scan with this action needs, in quarantine and on blobs of its own, which it removes. */
export async function checkAzure(
  connection: AzureConnection,
  action: ItemAction,
  signal: AbortSignal,
): Promise<CheckReport> {
  const checks: Check[] = [];
  for (const asset of connection.names.assets) {
    const name = assetName(asset);
    checks.push(await attempt(`list ${name}`, READ, () => canList(connection, asset, signal)));
  }
  const changes = action !== 'nothing' && checks.every(({ ok }) => ok);
  const containers = new Set(
    connection.names.assets.map(({ container }) => connection.names.quarantine.container ?? container),
  );
  for (const container of changes ? containers : []) {
    checks.push(...(await canChange(connection, container, action, signal)));
  }
  // With a quarantine of its own container, what was tried there says nothing of the containers of the items.
  const untried = connection.names.assets.filter(({ container }) => !containers.has(container));
  for (const asset of changes ? untried : []) checks.push(...(await mayChange(connection, asset, action, signal)));
  return { ok: checks.every(({ ok }) => ok), checks };
}

/** Asks for the change of a blob that is not there: only the permission can be refused. */
async function mayChange(
  { service, settings }: AzureConnection,
  { container, prefix }: AzureAsset,
  action: ItemAction,
  signal: AbortSignal,
): Promise<Check[]> {
  const blob = service.getContainerClient(container).getBlobClient(`${prefix}.check-${randomUUID()}`);
  const doing = { doing: 'trying a change in', what: assetName({ container, prefix }) };
  const asked = async (request: (abortSignal: AbortSignal) => Promise<Answered>, done: string): Promise<string> => {
    try {
      await change({ signal }, doing, request);
    } catch (error) {
      if (!(error instanceof ConnectorError) || !['not_found', 'changed'].includes(error.code)) throw error;
    }
    return done;
  };
  const conditions = { ifMatch: '"0x0"' };
  if (action !== 'tag') {
    const remove = (abortSignal: AbortSignal) => blob.delete({ abortSignal, conditions });
    return [await attempt(`delete in ${container}`, DELETE, () => asked(remove, 'blobs can be deleted'))];
  }
  const [need, tag] =
    settings.tags === 'index'
      ? [TAGS, (abortSignal: AbortSignal): Promise<Answered> => blob.setTags({ 'dsx-check': 'yes' }, { abortSignal })]
      : [WRITE, (abortSignal: AbortSignal): Promise<Answered> => blob.setMetadata({}, { abortSignal, conditions })];
  return [await attempt(`tag in ${container}`, need, () => asked(tag, 'blobs can be tagged'))];
}

async function attempt(name: string, need: Need, body: () => Promise<string>): Promise<Check> {
  try {
    return { name, ok: true, detail: await body() };
  } catch (error) {
    const denied = error instanceof ConnectorError && error.code === 'permission_denied';
    const remedy = `; needs the data action ${need.action}: grant ${need.role}, or a signature with ${need.sas}`;
    if (!(error instanceof ConnectorError)) throw error;
    return { name, ok: false, detail: messageOf(error) + (denied ? remedy : '') };
  }
}

async function canList(connection: AzureConnection, asset: AzureAsset, signal: AbortSignal): Promise<string> {
  const blob = await connection.first(asset, signal);
  if (blob === undefined) return 'can be listed; nothing is there';
  const client = connection.service.getContainerClient(asset.container).getBlobClient(blob);
  const doing = { doing: 'reading a blob of', what: assetName(asset) };
  await change({ signal }, doing, (abortSignal) => client.getProperties({ abortSignal }));
  return 'can be listed and read';
}

async function canChange(
  { service, names, settings }: AzureConnection,
  container: string,
  action: ItemAction,
  signal: AbortSignal,
): Promise<Check[]> {
  const folder = service.getContainerClient(container);
  const probe = `${names.quarantine.prefix}.check-${randomUUID()}`;
  const blob = folder.getBlockBlobClient(probe);
  const copy = folder.getBlockBlobClient(`${probe}.copy`);
  const doing = (what: string) => ({ doing: what, what: `az://${container}/${probe}` });
  const checks: Check[] = [];
  try {
    checks.push(
      await attempt(`write ${container}`, WRITE, async () => {
        const conditions = { ifNoneMatch: '*' };
        const data = Buffer.from('dsx-connect check\n');
        await change({ signal }, doing('writing'), (abortSignal) =>
          blob.upload(data, data.length, { abortSignal, conditions }),
        );
        if (action !== 'move' && action !== 'movetag') return 'blobs can be made';
        await change({ signal }, doing('copying'), (abortSignal) =>
          beginCopy(copy, blob.url, { abortSignal, conditions }),
        );
        return 'blobs can be made and copied';
      }),
    );
    if (checks[0]?.ok && (action === 'tag' || action === 'movetag')) {
      checks.push(await attempt(`tag in ${container}`, settings.tags === 'index' ? TAGS : WRITE, () => canTag(blob)));
    }
  } finally {
    const deleted = await attempt(`delete in ${container}`, DELETE, async () => {
      for (const one of [copy, blob]) await removeProbe(one);
      return 'blobs can be deleted';
    });
    if (checks[0]?.ok) checks.push(deleted);
  }
  return checks;

  async function canTag(client: BlockBlobClient): Promise<string> {
    const tags = { 'dsx-check': 'yes' };
    if (settings.tags === 'metadata') {
      await change({ signal }, doing('tagging'), (abortSignal) =>
        client.setMetadata({ dsx_check: 'yes' }, { abortSignal }),
      );
      return 'metadata can be set';
    }
    await change({ signal }, doing('tagging'), (abortSignal) => client.setTags(tags, { abortSignal }));
    await change({ signal }, doing('reading tags'), (abortSignal) => client.getTags({ abortSignal }));
    return 'index tags can be set';
  }

  /** Also when the check was stopped: nothing of it stays. */
  async function removeProbe(client: BlockBlobClient): Promise<void> {
    const always = new AbortController().signal;
    try {
      const facts = await change({ signal: always }, doing('looking at'), (abortSignal) =>
        client.getProperties({ abortSignal }),
      );
      const conditions = { ifMatch: etagOf(versionOf(facts.etag)) };
      await change({ signal: always }, doing('deleting'), (abortSignal) => client.delete({ abortSignal, conditions }));
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.code !== 'not_found') throw error;
    }
  }
}
