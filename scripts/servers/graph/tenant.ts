import { Drive } from './drive.ts';
import { GraphFailure } from './http.ts';
import type { Node } from './node.ts';
import { driveOf, type Tenant } from './routes.ts';
import { newSite, Sites, type User } from './sites.ts';

/** Of the sites, in their addresses. */
export const HOST = 'contoso.sharepoint.com';
const PERSONAL_HOST = 'contoso-my.sharepoint.com';

/** The sites of the tenant, each with its libraries. */
export function makeSites() {
  const sites = new Sites(HOST);
  const finance = newSite(HOST, '/sites/Finance', 'Finance');
  const subsite = newSite(HOST, '/sites/Finance/Audit', 'Audit');
  const team = newSite(HOST, '/teams/Team One', 'Team One');
  const root = newSite(HOST, '', 'Contoso');
  for (const site of [finance, subsite, team, root]) {
    site.drives.push(new Drive('Documents', `${site.webUrl}/Shared%20Documents`));
    sites.all.push(site);
  }
  finance.drives.push(new Drive('Old Files', `${finance.webUrl}/OldFiles`));
  return { sites, named: { finance, subsite, team, root } };
}

/** A user with a drive. */
export function makeUser(name: string): User {
  const path = `/personal/${name}_contoso_com`;
  const drive = new Drive('OneDrive', `https://${PERSONAL_HOST}${path}/Documents`, 'business');
  return { id: crypto.randomUUID(), userPrincipalName: `${name}@contoso.com`, drive };
}

/** The drive whose root a subscription's resource names. */
export function rootOf(tenant: Pick<Tenant, 'sites' | 'users'>, resource: string): string | undefined {
  try {
    const found = driveOf(tenant, resource.startsWith('/') ? resource : `/${resource}`);
    return found?.below === '/root' ? found.drive.id : undefined;
  } catch (error) {
    if (error instanceof GraphFailure) return undefined;
    throw error;
  }
}

/** A node that is not deleted, by the ids of its drive and its own. */
export function liveNode(drives: readonly Drive[], driveId: string, itemId: string): Node | undefined {
  try {
    return drives.find(({ id }) => id === driveId)?.node(itemId);
  } catch (error) {
    if (error instanceof GraphFailure) return undefined;
    throw error;
  }
}
