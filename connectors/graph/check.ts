import { randomUUID } from 'node:crypto';
import type { ItemAction } from '../../domain/action.ts';
import { messageOf } from '../../domain/errors.ts';
import type { CheckReport } from '../connector.ts';
import type { GraphClient } from './client.ts';
import type { Credential } from './credential.ts';
import { DELTA_PAGE, driveItemOf, readAs } from './drive-item.ts';
import { itemAddress, pathAddress } from './names.ts';
import { type Drive, itemAt } from './places.ts';

/** Application permissions, the least first: what a scan can do with, and what item actions can. */
const PERMISSIONS = {
  // Files.Read.All finds no site by its address.
  sharepoint: {
    scan: ['Sites.Read.All', 'Sites.ReadWrite.All', 'Sites.Manage.All', 'Sites.FullControl.All'],
    change: ['Sites.ReadWrite.All', 'Sites.Manage.All', 'Sites.FullControl.All'],
  },
  onedrive: {
    scan: ['Files.Read.All', 'Files.ReadWrite.All', 'Sites.Read.All', 'Sites.ReadWrite.All', 'Sites.FullControl.All'],
    change: ['Files.ReadWrite.All', 'Sites.ReadWrite.All', 'Sites.FullControl.All'],
  },
} as const;
/** Says nothing by itself: each site must be granted. */
const SELECTED_SITES = 'Sites.Selected';

export interface Tried {
  readonly kind: keyof typeof PERMISSIONS;
  readonly client: GraphClient;
  readonly credential: Credential;
  readonly find: () => Promise<readonly Drive[]>;
}

/** Tries what a scan with this action needs. What it makes to try, it removes. */
export async function checkGraph(
  { kind, client, credential, find }: Tried,
  action: ItemAction,
  signal: AbortSignal,
): Promise<CheckReport> {
  const checks: CheckReport['checks'][number][] = [];
  const attempt = async (name: string, body: () => Promise<string>): Promise<void> => {
    try {
      checks.push({ name, ok: true, detail: await body() });
    } catch (error) {
      signal.throwIfAborted();
      checks.push({ name, ok: false, detail: messageOf(error) });
    }
  };
  await attempt('permissions', async () => permitted(await credential.token(), kind, action));
  let drives: readonly Drive[] = [];
  await attempt('asset', async () => {
    drives = await find();
    return drives
      .map(({ name, folder }) => `${folder.length === 0 ? 'the whole' : folder.join('/')} of the ${name}`)
      .join('; ');
  });
  for (const drive of drives) {
    await attempt('list', () => canList(client, drive, signal));
    if (action === 'move' || action === 'delete') await attempt('change', () => canChange(client, drive, signal));
  }
  if (action === 'tag' || action === 'movetag') {
    checks.push({ name: action, ok: false, detail: 'a drive has no tags; choose move, delete or nothing' });
  }
  return { ok: checks.every(({ ok }) => ok), checks };
}

/** Reads what the token says the application was granted. @throws Error that names what is missing */
function permitted(token: string, kind: Tried['kind'], action: ItemAction): string {
  const granted = rolesOf(token);
  if (granted === undefined) return 'what the application was granted can not be seen in its token';
  const changes = action !== 'nothing';
  const enough: readonly string[] = PERMISSIONS[kind][changes ? 'change' : 'scan'];
  const said = `granted: ${granted.join(', ') || 'nothing'}`;
  if (granted.some((role) => enough.includes(role))) return said;
  const role = changes ? 'write' : 'read';
  if (granted.includes(SELECTED_SITES)) return `${said}; the site must have granted it the role ${role}`;
  const other = kind === 'sharepoint' ? `, or ${SELECTED_SITES} with the role ${role} on the site` : '';
  const missing = `the application permission ${enough[0]} is missing${other}`;
  throw new Error(`${missing}; add it, and let an administrator consent (${said})`);
}

/** The claim `roles` of an application's token; undefined for a token that is no readable one. */
function rolesOf(token: string): string[] | undefined {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as {
      roles?: unknown;
    };
    return Array.isArray(claims.roles) ? claims.roles.map(String) : [];
  } catch {
    return undefined;
  }
}

async function canList(client: GraphClient, drive: Drive, signal: AbortSignal): Promise<string> {
  const doing = `listing the ${drive.name}`;
  const query = { $select: 'id', $top: '1' };
  const { body } = await client.ask({ path: pathAddress(drive.id, [], 'delta'), query, doing, about: 'drive' }, signal);
  readAs(DELTA_PAGE, body, doing);
  return `the ${drive.name} can be listed`;
}

/** Makes a folder with a name of its own beside the items, and removes it. */
async function canChange(client: GraphClient, drive: Drive, signal: AbortSignal): Promise<string> {
  const doing = `trying to make a folder in the ${drive.name}`;
  const top = await itemAt(client, drive, drive.folder, signal);
  if (top === undefined) throw new Error(`the asset folder is not there any more in the ${drive.name}`);
  const body = { name: `dsxconnect-check-${randomUUID()}`, folder: {}, '@microsoft.graph.conflictBehavior': 'fail' };
  const path = itemAddress(drive.id, top.id, 'children');
  const made = driveItemOf(
    (await client.ask({ method: 'POST', path, body, doing, about: 'drive' }, signal)).body,
    doing,
  );
  const removing = { method: 'DELETE', path: itemAddress(drive.id, made.id), doing: `removing ${body.name}` } as const;
  await client.ask({ ...removing, about: 'drive', accept: [404] }, signal);
  return `items of the ${drive.name} can be moved and deleted; quarantine is ${drive.quarantine.join('/')}`;
}
