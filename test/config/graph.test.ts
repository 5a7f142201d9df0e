import { readFileSync } from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { connectorSchema, KINDS, SECRET_FIELDS } from '../../config/connectors/connectors.ts';
import type { ConnectorSettings } from '../../config/connectors/settings.ts';
import { endpointsOf } from '../../connectors/graph/settings.ts';

const tenantId = '8a2b7c1e-0000-4000-8000-1234567890ab';
const clientId = '1b2b7c1e-0000-4000-8000-1234567890ab';
const app = { tenantId, clientId, clientSecret: 'hush' };
const site = 'https://contoso.sharepoint.com/sites/Finance';
const library = { id: 'a', kind: 'sharepoint', asset: `${site}/Shared%20Documents/Q1`, ...app };
const drives = { id: 'a', kind: 'onedrive', users: 'anna@contoso.com', ...app };

type Of<K> = Extract<ConnectorSettings, { kind: K }>;
const sharepoint = (fields: object) => connectorSchema.parse(fields) as Of<'sharepoint'>;
const onedrive = (fields: object) => connectorSchema.parse(fields) as Of<'onedrive'>;

/** What is refused: `field: message`. */
function refused(fields: object): string[] {
  const { error } = connectorSchema.safeParse(fields);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

function without(fields: object, ...names: string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));
}

describe('sharepoint', () => {
  it('takes an address, and says where it leads', () => {
    const { storage, ...rest } = sharepoint(library);
    expect(rest).toEqual({
      id: 'a',
      kind: 'sharepoint',
      asset: library.asset,
      filter: '',
      action: 'nothing',
      quarantine: 'dsxconnect-quarantine',
    });
    const { clientSecret, ...shown } = storage;
    expect(clientSecret?.reveal()).toBe('hush');
    expect(shown).toEqual({
      tenantId,
      clientId,
      cloud: 'global',
      place: {
        host: 'contoso.sharepoint.com',
        readings: [{ site: '/sites/Finance', library: 'Shared Documents', folder: 'Q1' }],
      },
    });
  });

  it('takes host, site and library one by one, as the former connector did', () => {
    const old = {
      id: 'a',
      kind: 'sharepoint',
      DSXCONNECTOR_SP_TENANT_ID: tenantId,
      SP_CLIENT_ID: clientId,
      DSXCONNECTOR_SP_CLIENT_SECRET: 'hush',
      DSXCONNECTOR_SP_HOSTNAME: 'Contoso.sharepoint.com',
      DSXCONNECTOR_SP_SITE_PATH: 'Finance',
      DSXCONNECTOR_SP_DRIVE_NAME: 'Old Files',
      DSXCONNECTOR_SP_GRAPH_PAGE_SIZE: '500',
      DSXCONNECTOR_ASSET: '/Reports/2024 #1/',
      DSXCONNECTOR_ITEM_ACTION: 'move',
      DSXCONNECTOR_ITEM_ACTION_MOVE_METAINFO: '/Security/Quarantine',
    };
    expect(sharepoint(old)).toMatchObject({
      asset: `${site}/Old%20Files/Reports/2024%20%231`,
      quarantine: 'Security/Quarantine',
      storage: {
        pageSize: 500,
        place: {
          host: 'contoso.sharepoint.com',
          readings: [{ site: '/sites/Finance', library: 'Old Files', folder: 'Reports/2024 #1' }],
        },
      },
    });
    const folder = {
      ...without(library, 'asset'),
      hostname: 'contoso.sharepoint.com',
      sitePath: '/teams/T',
      asset: 'a',
    };
    expect(sharepoint(folder)).toMatchObject({
      asset: 'https://contoso.sharepoint.com/teams/T, folder a of its default library',
      storage: { place: { readings: [{ site: '/teams/T', folder: 'a' }] } },
    });
    expect(sharepoint({ ...folder, sitePath: '/', asset: '' }).storage.place.readings).toEqual([
      { site: '', folder: '' },
    ]);
  });

  it.each([
    [{ sitePath: '/sites/Finance/Audit' }, [{ site: '/sites/Finance/Audit', library: 'Docs', folder: 'x' }]],
    [
      { library: 'Docs' },
      [
        { site: '/sites/Finance/Audit', library: 'Docs', folder: 'x' },
        { site: '/sites/Finance/Audit/Docs/x', library: 'Docs', folder: '' },
      ],
    ],
    [{ sitePath: 'finance', library: 'audit' }, [{ site: '/sites/Finance', library: 'Audit', folder: 'Docs/x' }]],
  ])('%j says how an address is to be read', (more, readings) => {
    const asset = `${site}/Audit/Docs/x`;
    expect(sharepoint({ ...library, asset, ...more }).storage.place.readings).toEqual(readings);
  });

  it('knows the default library by both of its names', () => {
    expect(sharepoint({ ...library, library: 'documents' }).storage.place.readings).toHaveLength(1);
  });

  it.each<[object, RegExp]>([
    [{ asset: '' }, /^asset: must be the address/],
    [{ asset: 'your-site/your-library' }, /^asset: must be the address .*hostname/],
    [{ asset: 'https://contoso.sharepoint.com/:f:/s/Finance/Etoken' }, /^asset: is a sharing link.*copy the address/],
    [{ asset: `${site}/Docs/a#b` }, /^asset: has a #.*%23/],
    [{ asset: 'https://example.com/sites/S' }, /^asset: leads to example.com.*\.sharepoint\.com/],
    [{ cloud: 'usgov' }, /^asset: leads to contoso.sharepoint.com.*\.sharepoint\.us/],
    [{ hostname: 'other.sharepoint.com' }, /^asset: leads to contoso.*hostname says other/],
    [{ sitePath: '/sites/Other' }, /^asset: leads to another site/],
    [{ library: 'Other' }, /^asset: leads to another site or library/],
    [{ sitePath: site }, /^sitePath: must be the path/],
    [{ quarantine: '' }, /^quarantine: must be a folder/],
    [{ quarantine: '/' }, /^quarantine: must be a folder/],
    [{ quarantine: 'a/../b' }, /^quarantine: has "\.\."/],
    [{ quarantine: `${site}/Quarantine` }, /^quarantine: must be a folder of the same library/],
    [{ quarantine: 'q1' }, /^quarantine: must not be the asset/],
    [{ asset: `${site}/Shared%20Documents/dsxconnect-quarantine/x` }, /^quarantine: must not be the asset/],
    [{ action: 'tag' }, /^action: can't be tag.*use move or delete/],
    [{ action: 'move_tag' }, /^action: can't be movetag/],
    [{ tenantId: 'common' }, /^tenantId: must be the id or a domain/],
    [{ clientId: 'my-app' }, /^clientId: must be the id/],
    [{ cloud: 'moon' }, /^cloud: must be one of global, usgov, usgov-dod, china/],
    [{ graphUrl: 'http://127.0.0.1:1' }, /^graphUrl: must be an https:/],
    [{ pageSize: 1000 }, /^pageSize: must be a whole number from 1 to 999/],
    [{ certificate: 'PEM' }, /^certificate: is a second credential beside clientSecret/],
    [{ certificateFile: 'x.pem' }, /^certificateFile: must be an absolute path/],
    [{ SP_TENANT_ID: tenantId }, /^SP_TENANT_ID: sets the same as tenantId/],
    [{ SP_VERIFY_TLS: 'false' }, /^SP_VERIFY_TLS: .*NODE_EXTRA_CA_CERTS/],
    [{ DSXCONNECTOR_SP_PROVIDER_MODE: 'graph' }, /^DSXCONNECTOR_SP_PROVIDER_MODE: .*sets nothing here/],
    [{ WEBHOOK_URL: 'https://x' }, /^WEBHOOK_URL: .*sets nothing here/],
  ])('%j is refused', (more, expected) => {
    expect(refused({ ...library, ...more })).toEqual([expect.stringMatching(expected)]);
  });

  it('needs a credential', () => {
    expect(refused(without(library, 'clientSecret'))).toEqual([
      expect.stringMatching(/^clientSecret: is missing.*certificate/),
    ]);
    for (const credential of [{ certificate: 'PEM' }, { certificateFile: '/etc/dsx/app.pem' }]) {
      expect(refused({ ...without(library, 'clientSecret'), ...credential })).toEqual([]);
    }
  });

  it('shows no secret', () => {
    const settings = sharepoint({ ...without(library, 'clientSecret'), certificate: 'hush-pem' });
    expect(JSON.stringify(settings) + inspect(settings, { depth: 9 })).not.toContain('hush');
    for (const field of ['certificate', 'SP_CLIENT_SECRET', 'DSXCONNECTOR_SP_CLIENT_SECRET', 'OD_CLIENT_SECRET']) {
      expect(SECRET_FIELDS).toContain(field);
    }
  });
});

describe('clouds', () => {
  it.each([
    ['global', 'login.microsoftonline.com', 'graph.microsoft.com'],
    ['usgov', 'login.microsoftonline.us', 'graph.microsoft.us'],
    ['usgov-dod', 'login.microsoftonline.us', 'dod-graph.microsoft.us'],
    ['china', 'login.chinacloudapi.cn', 'microsoftgraph.chinacloudapi.cn'],
  ])('%s has endpoints of its own', (cloud, login, graph) => {
    const { storage } = onedrive({ ...drives, cloud: cloud.toUpperCase() });
    expect(endpointsOf(storage)).toEqual({
      authority: `https://${login}`,
      graph: `https://${graph}`,
      scope: `https://${graph}/.default`,
    });
  });

  it('may be reached by another way', () => {
    const urls = { graphUrl: 'https://127.0.0.1:8443/', authorityUrl: 'https://127.0.0.1:8444' };
    const asset = 'https://sharepoint.example/sites/S';
    expect(endpointsOf(sharepoint({ ...library, asset, ...urls }).storage)).toEqual({
      authority: 'https://127.0.0.1:8444',
      graph: 'https://127.0.0.1:8443',
      scope: 'https://graph.microsoft.com/.default',
    });
  });
});

describe('onedrive', () => {
  it('takes one user or several, and a folder in the drive of each', () => {
    expect(onedrive(drives)).toMatchObject({
      asset: 'anna@contoso.com: /',
      quarantine: 'dsxconnect-quarantine',
      storage: { users: ['anna@contoso.com'], folder: '' },
    });
    for (const users of ['bob@contoso.com, anna@contoso.com', ['bob@contoso.com', ' anna@contoso.com ']]) {
      expect(onedrive({ ...drives, users, asset: '/Documents/a%20b/' })).toMatchObject({
        asset: 'anna@contoso.com, bob@contoso.com: /Documents/a%20b',
        storage: { users: ['anna@contoso.com', 'bob@contoso.com'], folder: 'Documents/a%20b' },
      });
    }
  });

  it.each(['DSXCONNECTOR_ONEDRIVE_', 'ONEDRIVE_', 'OD_'])('takes the old names with %s', (prefix) => {
    const old = { TENANT_ID: 'contoso.onmicrosoft.com', CLIENT_ID: clientId, CLIENT_SECRET: 'hush', USER_ID: clientId };
    const fields = Object.fromEntries(Object.entries(old).map(([name, value]) => [`${prefix}${name}`, value]));
    expect(onedrive({ id: 'a', kind: 'onedrive', ...fields }).storage).toMatchObject({
      tenantId: 'contoso.onmicrosoft.com',
      users: [clientId],
    });
    expect(refused({ ...drives, [`${prefix}WEBHOOK_ENABLED`]: 'true' })).toHaveLength(1);
    expect(refused({ ...drives, [`${prefix}CA_BUNDLE`]: '/x' })).toHaveLength(1);
  });

  it.each<[object, RegExp]>([
    [{ users: '' }, /^users: must be a user/],
    [{ users: [] }, /^users: must be a user/],
    [{ users: 'anna' }, /^users: must be a user/],
    [{ users: 'a/b@contoso.com' }, /^users: must be a user/],
    [{ users: 'anna@contoso.com Anna@contoso.com' }, /^users: names Anna@contoso.com twice/],
    [{ asset: `${site}/Docs` }, /^asset: must be a folder of each user's drive.*kind sharepoint/],
    [{ asset: 'q/x', quarantine: 'Q' }, /^quarantine: must not be the asset/],
    [{ action: 'tag' }, /^action: can't be tag/],
  ])('%j is refused', (more, expected) => {
    expect(refused({ ...drives, ...more })).toEqual([expect.stringMatching(expected)]);
  });
});

describe.each(['sharepoint', 'onedrive'] as const)('docs/connectors/%s.md', (kind) => {
  const page = readFileSync(path.join(import.meta.dirname, `../../docs/connectors/${kind}.md`), 'utf8');

  it('has an example that is accepted', () => {
    const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
    const { connectors } = parse(example) as { connectors: object[] };
    expect(connectors.flatMap(refused)).toEqual([]);
  });

  it('tells of every setting, by its new name and its old one', () => {
    const { shape, aliases, retired } = KINDS[kind];
    const [stem] = kind === 'sharepoint' ? ['SP_'] : ['ONEDRIVE_'];
    const told = Object.keys(shape).concat(Object.keys(aliases).filter((name) => name.startsWith(stem)));
    for (const name of told) expect(page).toMatch(new RegExp(`^\\|.*\`${name}\``, 'm'));
    for (const name of Object.keys(retired).filter((one) => one.startsWith(stem) && !one.includes('WEBHOOK_')))
      expect(page).toContain(`\`${name}\``);
  });
});
