import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectorSchema } from '../../config/connectors/connectors.ts';
import { type Connectors, createConnectors } from '../../connectors/registry.ts';
import { applicationCertificate, trustLocalCertificate } from '../../scripts/servers/graph/certificate.ts';
import { type GraphFake, startGraphFake } from '../../scripts/servers/graph/fake.ts';

const signal = new AbortController().signal;
let fake: GraphFake;
let connectors: Connectors;
let folder: string;

beforeAll(async () => {
  trustLocalCertificate();
  fake = await startGraphFake();
  connectors = createConnectors();
  folder = mkdtempSync(path.join(os.tmpdir(), 'dsx-graph-'));
  const { finance, subsite, team, root } = fake.sites;
  for (const site of [finance, subsite, team, root]) {
    for (const drive of site.drives) fake.libraryOf(drive).put(`Q1 #1/in ${drive.name} of ${site.name}`, 'x');
  }
  for (const { drive, userPrincipalName } of fake.users)
    fake.libraryOf(drive).put(`Q1 #1/of ${userPrincipalName}`, 'x');
});
afterAll(async () => {
  await connectors.close();
  await fake.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Locations that a connector with these fields of the file lists. */
async function listed(fields: object, credential: object = { clientSecret: fake.clientSecret }): Promise<string[]> {
  const { tenantId, clientId, origin, tokenOrigin } = fake;
  const own = { id: 'a', tenantId, clientId, graphUrl: origin, authorityUrl: tokenOrigin, ...credential };
  const settings = connectorSchema.parse({ ...own, ...fields });
  if (settings.kind === 'filesystem') throw new Error('of Graph alone');
  const { kind, id, quarantine, storage } = settings;
  const bound = { kind, id, quarantine, ...storage } as Parameters<Connectors['get']>[0];
  const connector = await connectors.get(bound);
  const listing = connector.list({ includes: () => true, mayEnter: () => true }, undefined);
  const locations: string[] = [];
  for (let event = await listing.next(signal); event !== undefined; event = await listing.next(signal)) {
    if (event.kind === 'item') locations.push(event.item.location);
  }
  await listing.close();
  return locations;
}

const library = (asset: string, more: object = {}) => ({ kind: 'sharepoint', asset, ...more });

describe('an asset, from the configuration to what is listed', () => {
  it.each<[string, string]>([
    ['/sites/Finance/Shared%20Documents/Q1%20%231', 'in Documents of Finance'],
    ['/sites/finance/shared%20documents', 'Q1 #1/in Documents of Finance'],
    ['/sites/Finance', 'Q1 #1/in Documents of Finance'],
    ['/sites/Finance/SitePages/Home.aspx', 'Q1 #1/in Documents of Finance'],
    ['/sites/Finance/OldFiles/Forms/AllItems.aspx', 'Q1 #1/in Old Files of Finance'],
    ['/sites/Finance/OldFiles/Q1%20%231', 'in Old Files of Finance'],
    ['/x/Forms/AllItems.aspx?id=%2Fsites%2FFinance%2FOldFiles%2FQ1%20%231', 'in Old Files of Finance'],
    ['/:f:/r/sites/Finance/Shared%20Documents/Q1%20%231?csf=1&web=1', 'in Documents of Finance'],
    ['/sites/Finance/Audit', 'Q1 #1/in Documents of Audit'],
    ['/sites/Finance/Audit/Shared%20Documents/Q1%20%231', 'in Documents of Audit'],
    ['/teams/Team%20One/Shared%20Documents/Q1%20%231', 'in Documents of Team One'],
    ['/Shared%20Documents/Q1%20%231', 'in Documents of Contoso'],
    ['', 'Q1 #1/in Documents of Contoso'],
  ])('%s', async (address, location) => {
    expect(await listed(library(`https://${fake.host}${address}`))).toEqual([location]);
  });

  it('named as the former connector did', async () => {
    const old = { DSXCONNECTOR_SP_HOSTNAME: fake.host, SP_SITE_PATH: 'Finance', SP_DRIVE_NAME: 'Old Files' };
    expect(await listed(library('Q1 #1', old))).toEqual(['in Old Files of Finance']);
  });

  it('of one user, and of several', async () => {
    const [alice, bob] = fake.users.map(({ userPrincipalName }) => userPrincipalName) as [string, string];
    expect(await listed({ kind: 'onedrive', users: alice, asset: '/Q1 #1' })).toEqual([`of ${alice}`]);
    expect(await listed({ kind: 'onedrive', users: [bob, alice] })).toEqual(
      [alice, bob].map((user) => `${user}/Q1 #1/of ${user}`),
    );
  });

  it('reached with a certificate, as text and as a file', async () => {
    const pem = applicationCertificate();
    const file = path.join(folder, 'application.pem');
    writeFileSync(file, pem, { mode: 0o600 });
    const asset = library(`https://${fake.host}/sites/Finance`);
    for (const credential of [{ certificate: pem }, { certificateFile: file }]) {
      expect(await listed({ ...asset, id: Object.keys(credential)[0]?.toLowerCase() }, credential)).toHaveLength(1);
    }
  });
});
