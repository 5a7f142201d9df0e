import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { ClientSecretCredential } from '@azure/identity';
import { Client, type GraphError, ResponseType } from '@microsoft/microsoft-graph-client';
import { TokenCredentialAuthenticationProvider } from '@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials/index.js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { trustLocalCertificate } from '../../scripts/servers/graph/certificate.ts';
import { type GraphFake, startGraphFake } from '../../scripts/servers/graph/fake.ts';
import { cutAfter, expired, forbidden, resync, throttled, unavailable } from '../../scripts/servers/graph/faults.ts';
import { quickXorHash } from '../../scripts/servers/graph/quick-xor.ts';

interface Item {
  readonly id: string;
  readonly name?: string;
  readonly eTag?: string;
  readonly cTag?: string;
  readonly size?: number;
  readonly file?: { readonly hashes: { readonly quickXorHash: string } };
  readonly folder?: object;
  readonly root?: object;
  readonly deleted?: object;
  readonly parentReference: { readonly id?: string; readonly path?: string };
  readonly [name: string]: unknown;
}

interface Page {
  readonly value: Item[];
  readonly '@odata.nextLink'?: string;
  readonly '@odata.deltaLink'?: string;
}

let fake: GraphFake;
let client: Client;
let token: () => Promise<string>;

beforeAll(() => trustLocalCertificate());
beforeEach(async () => {
  fake = await startGraphFake();
  client = clientOf(fake);
});
afterEach(() => fake.stop());

function clientOf({ tenantId, clientId, clientSecret, tokenOrigin, origin }: GraphFake): Client {
  const credential = new ClientSecretCredential(tenantId, clientId, clientSecret, {
    authorityHost: tokenOrigin,
    disableInstanceDiscovery: true,
    retryOptions: { maxRetries: 0 },
  });
  const scopes = ['https://graph.microsoft.com/.default'];
  token = async () => (await credential.getToken(scopes)).token;
  const authProvider = new TokenCredentialAuthenticationProvider(credential, { scopes });
  return Client.initWithMiddleware({ baseUrl: `${origin}/`, customHosts: new Set(['127.0.0.1']), authProvider });
}

const drive = () => `/drives/${fake.driveId}`;
const root = () => `${drive()}/root`;
const get = async (path: string): Promise<Item> => client.api(path).get();

async function failure(call: Promise<unknown>): Promise<GraphError> {
  return call.then(
    () => {
      throw new Error('nothing was raised');
    },
    (error: GraphError) => error,
  );
}

/** The pages of an enumeration from here; `between` is awaited after each page but the last. */
async function pagesFrom(path: string, between: () => void = () => undefined): Promise<Page[]> {
  const pages: Page[] = [];
  for (let link: string | undefined = path; link !== undefined; ) {
    const page: Page = await client.api(link).get();
    pages.push(page);
    link = page['@odata.nextLink'];
    if (link !== undefined) between();
  }
  return pages;
}

const lastLink = (pages: readonly Page[]) => pages.at(-1)?.['@odata.deltaLink'] as string;
const namesOf = (pages: readonly Page[]) => pages.flatMap(({ value }) => value.map(({ name }) => name));

describe('tokens', () => {
  test('a request without one is refused, and one that has expired too', async () => {
    const bare = await fetch(`${fake.origin}/v1.0${drive()}/root`);
    expect(bare.status).toBe(401);
    expect(await bare.json()).toMatchObject({ error: { code: 'InvalidAuthenticationToken' } });
    await get(root());
    fake.tokens.revoke();
    expect(await failure(get(root()))).toMatchObject({
      statusCode: 401,
      code: 'InvalidAuthenticationToken',
    });
    fake.tokens.life = -1;
    client = clientOf(fake);
    expect(await failure(get(root()))).toMatchObject({ statusCode: 401 });
  });

  test('a wrong secret is refused where tokens come from', async () => {
    client = clientOf({ ...fake, clientSecret: 'another' });
    const error = await failure(get(root()));
    expect(error.message).toContain('AADSTS7000215');
  });

  test('what the app may do: reading, writing, and single sites', async () => {
    fake.library.put('a', 'x');
    fake.tokens.roles = ['Files.Read.All'];
    client = clientOf(fake);
    await get(`${drive()}/root:/a`);
    expect(await failure(client.api(`${drive()}/root:/a`).delete())).toMatchObject({
      statusCode: 403,
      code: 'accessDenied',
    });
    expect(await failure(get(`/sites/${fake.host}:/sites/Finance`))).toMatchObject({ statusCode: 403 });
    fake.tokens.roles = ['Sites.Selected'];
    client = clientOf(fake);
    expect(await failure(get(`${drive()}/root:/a`))).toMatchObject({ statusCode: 403 });
    fake.grants.set(fake.siteId, 'read');
    await get(`${drive()}/root:/a`);
    await get(`/sites/${fake.host}:/sites/Finance/Audit`);
    expect(await failure(get(`/sites/${fake.host}:/teams/Team%20One`))).toMatchObject({ statusCode: 403 });
    expect(await failure(client.api(`${drive()}/root:/a`).delete())).toMatchObject({ statusCode: 403 });
    fake.grants.set(fake.siteId, 'write');
    await client.api(`${drive()}/root:/a`).delete();
    expect(fake.library.contents().size).toBe(0);
  });
});

describe('sites, libraries and users', () => {
  test('a site by its path, its id has commas, and its libraries', async () => {
    for (const [path, site] of [
      ['/sites/Finance', fake.sites.finance],
      ['/sites/Finance/Audit', fake.sites.subsite],
      ['/teams/Team%20One', fake.sites.team],
    ] as const) {
      expect(await client.api(`/sites/${fake.host}:${path}`).get()).toMatchObject({ id: site.id });
    }
    expect((await client.api(`/sites/${fake.host}`).get()).id).toBe(fake.sites.root.id);
    expect(fake.siteId).toMatch(/^contoso\.sharepoint\.com,[\w-]{36},[\w-]{36}$/);
    const { value } = await client.api(`/sites/${encodeURIComponent(fake.siteId)}/drives`).get();
    expect(value).toMatchObject([
      {
        name: 'Documents',
        driveType: 'documentLibrary',
        webUrl: 'https://contoso.sharepoint.com/sites/Finance/Shared%20Documents',
      },
      { name: 'Old Files' },
    ]);
    expect(value[0].id).toBe(fake.driveId);
    expect(fake.driveId).toMatch(/^b!/);
    expect((await client.api(`/sites/${fake.siteId}/drive`).get()).id).toBe(fake.driveId);
    expect(await failure(client.api(`/sites/${fake.host}:/sites/None`).get())).toMatchObject({ statusCode: 404 });
  });

  test('the drive of a user, by id or name', async () => {
    const [alice] = fake.users;
    fake.libraryOf(alice?.drive as never).put('notes.txt', 'x');
    for (const user of [alice?.id, 'alice@contoso.com', 'ALICE@contoso.com']) {
      expect(await get(`/users/${user}/drive/root:/notes.txt`)).toMatchObject({ name: 'notes.txt', size: 1 });
    }
    expect(await failure(get('/users/carol@contoso.com/drive'))).toMatchObject({ statusCode: 404 });
  });

  test('all sites, page by page', async () => {
    const first: Page = await client.api('/sites?search=*&$top=3').get();
    const second: Page = await client.api(first['@odata.nextLink'] as string).get();
    expect([...first.value, ...second.value]).toHaveLength(4);
  });
});

describe('delta', () => {
  test('pages, with root and folders, and without what a delta leaves out', async () => {
    for (const name of ['a/1', 'a/2', 'b/3']) fake.library.put(name, name);
    fake.deltas.pageSize = 2;
    const pages = await pagesFrom(`${root()}/delta`);
    expect(pages.map(({ value }) => value.length)).toEqual([2, 2, 2]);
    expect(namesOf(pages)).toEqual(['root', 'a', '1', '2', 'b', '3']);
    const [top, , one] = pages.flatMap(({ value }) => value);
    expect(top).toMatchObject({ root: {}, folder: {} });
    expect(one).toMatchObject({ size: 3, file: { hashes: { quickXorHash: quickXorHash(Buffer.from('a/1')) } } });
    expect(one?.cTag).toBeUndefined();
    expect(one?.parentReference.path).toBeUndefined();
    expect(pages.at(-1)?.['@odata.nextLink']).toBeUndefined();
    expect(lastLink(pages)).toContain('token=');
  });

  test('$top and $select hold for the pages that follow', async () => {
    for (let i = 0; i < 5; i++) fake.library.put(`${i}`, 'x');
    const pages = await pagesFrom(`${root()}/delta?$top=4&$select=id,name`);
    expect(pages.map(({ value }) => value.length)).toEqual([4, 2]);
    expect(Object.keys(pages[1]?.value[0] as object).sort()).toEqual(['@odata.etag', 'id', 'name']);
  });

  test('what changes during an enumeration comes again at its end', async () => {
    for (const name of ['1', '2', '3', '4', '5']) fake.library.put(name, 'x');
    fake.deltas.pageSize = 3;
    let pass = 0;
    const pages = await pagesFrom(`${root()}/delta`, () => {
      if (pass++ > 0) return;
      fake.library.overwrite('1', 'new');
      fake.library.remove('5');
    });
    const items = pages.flatMap(({ value }) => value);
    expect(items.filter(({ name }) => name === '1')).toHaveLength(2);
    expect(items.filter(({ deleted }) => deleted !== undefined)).toHaveLength(1);
    expect(items.map(({ name }) => name)).not.toContain('5');
  });

  test('the link at the end gives what changed since: moved, overwritten and deleted', async () => {
    const gone = fake.library.put('gone', 'x').id;
    const { id } = fake.library.put('a', 'x');
    let pages = await pagesFrom(`${root()}/delta`);
    pages = await pagesFrom(lastLink(pages));
    expect(pages).toMatchObject([{ value: [] }]);
    fake.library.remove('gone');
    fake.library.move('a', 'to/b');
    pages = await pagesFrom(lastLink(pages));
    const items = pages.flatMap(({ value }) => value);
    expect(items).toMatchObject([{ id: gone, deleted: {} }, { name: 'to' }, { id, name: 'b' }]);
    expect(items[0]).not.toHaveProperty('name');
    expect(items[0]).not.toHaveProperty('file');
  });

  test('token=latest starts from now', async () => {
    fake.library.put('old', 'x');
    const pages = await pagesFrom(`${root()}/delta?token=latest`);
    expect(pages).toMatchObject([{ value: [] }]);
    fake.library.put('new', 'x');
    expect(namesOf(await pagesFrom(lastLink(pages)))).toEqual(['new']);
  });

  test('a token that is too old is answered with where to start again', async () => {
    fake.library.put('a', 'x');
    const link = lastLink(await pagesFrom(`${root()}/delta`));
    fake.deltas.expire();
    const answer = await fetch(link, { headers: { authorization: `Bearer ${await token()}` } });
    expect(answer.status).toBe(410);
    expect(await answer.json()).toMatchObject({ error: { code: 'resyncRequired' } });
    expect(namesOf(await pagesFrom(answer.headers.get('location') as string))).toEqual(['root', 'a']);
  });

  test('is there for the root alone', async () => {
    const { id } = fake.library.makeFolder('a');
    expect(await failure(get(`${drive()}/items/${id}/delta`))).toMatchObject({ statusCode: 400 });
  });
});

describe('items', () => {
  test('are found by id and by path, whatever their name', async () => {
    for (const name of ['a#b/c%d', 'a+b', "it's & that", 'é ü', '100%25', 'ＡＢ']) {
      const { id, eTag, cTag } = fake.library.put(name, name);
      const encoded = name.split('/').map(encodeURIComponent).join('/');
      const byPath = await get(`${drive()}/root:/${encoded}`);
      expect(byPath).toMatchObject({ id, eTag, cTag, name: name.split('/').at(-1), size: Buffer.byteLength(name) });
      expect(byPath['@microsoft.graph.downloadUrl']).toContain(fake.downloadOrigin);
      expect((await get(`${drive()}/items/${id}`)).id).toBe(id);
    }
    expect(await failure(get(`${drive()}/root:/none`))).toMatchObject({ statusCode: 404, code: 'itemNotFound' });
  });

  test('children, page by page', async () => {
    for (let i = 0; i < 5; i++) fake.library.put(`a/${i}`, 'x');
    const pages = await pagesFrom(`${drive()}/root:/a:/children?$top=2&$select=name`);
    expect(pages.map(({ value }) => value.length)).toEqual([2, 2, 1]);
    expect(namesOf(pages)).toEqual(['0', '1', '2', '3', '4']);
    expect(pages[0]?.['@odata.nextLink']).toContain('skiptoken');
  });

  test('bytes come from another port, where a token is refused', async () => {
    const { id } = fake.library.put('a', '0123456789');
    const read = (await client
      .api(`${drive()}/items/${id}/content`)
      .responseType(ResponseType.ARRAYBUFFER)
      .get()) as ArrayBuffer;
    expect(Buffer.from(read).toString()).toBe('0123456789');
    const headers = { authorization: `Bearer ${await token()}` };
    const { status, headers: answer } = await fetch(`${fake.origin}/v1.0${drive()}/items/${id}/content`, {
      headers,
      redirect: 'manual',
    });
    expect(status).toBe(302);
    const url = answer.get('location') as string;
    expect(new URL(url).origin).toBe(fake.downloadOrigin);
    expect((await fetch(url, { headers })).status).toBe(401);
    const part = await fetch(url, { headers: { range: 'bytes=2-4' } });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([206, 'bytes 2-4/10', '234']);
    expect(await (await fetch(url, { headers: { range: 'bytes=-3' } })).text()).toBe('789');
    expect((await fetch(url, { headers: { range: 'bytes=10-' } })).status).toBe(416);
    fake.library.remove('a');
    expect((await fetch(url)).status).toBe(404);
    fake.downloads.life = -1;
    const late = await get(`${drive()}/items/${fake.library.put('b', 'x').id}`);
    expect((await fetch(late['@microsoft.graph.downloadUrl'] as string)).status).toBe(401);
  });

  test('bytes in which SharePoint itself has found malware are held back', async () => {
    const { id } = fake.library.put('a', 'x');
    fake.library.markMalware('a');
    const item = await get(`${drive()}/items/${id}`);
    expect(item.malware).toBeDefined();
    expect((await fetch(item['@microsoft.graph.downloadUrl'] as string)).status).toBe(403);
    const content = client.api(`${drive()}/items/${id}/content`).get();
    expect(await failure(content)).toMatchObject({ statusCode: 403, code: 'malwareDetected' });
  });

  test('what a change does to the tags', () => {
    const made = fake.library.put('a', 'x');
    const touched = fake.library.touch('a');
    const moved = fake.library.move('a', 'b');
    const written = fake.library.overwrite('b', 'y');
    expect(new Set([made.eTag, touched.eTag, moved.eTag, written.eTag]).size).toBe(4);
    expect([touched.cTag, moved.cTag]).toEqual([made.cTag, made.cTag]);
    expect(written.cTag).not.toBe(made.cTag);
    expect(fake.library.put('b', 'z').id).not.toBe(made.id);
  });

  test('a package has neither file nor folder', async () => {
    fake.library.putPackage('Notebook');
    const item = await get(`${drive()}/root:/Notebook`);
    expect(item).toMatchObject({ package: { type: 'oneNote' } });
    expect([item.file, item.folder]).toEqual([undefined, undefined]);
  });
});

describe('changes', () => {
  test('an upload makes folders, replaces, is refused or renamed', async () => {
    const at = `${drive()}/root:/q/r/a.txt:/content`;
    const made: Item = await client.api(at).put('one');
    expect(await client.api(`${at}?@microsoft.graph.conflictBehavior=replace`).put('two')).toMatchObject({
      id: made.id,
    });
    expect(await failure(client.api(`${at}?@microsoft.graph.conflictBehavior=fail`).put('no'))).toMatchObject({
      statusCode: 409,
      code: 'nameAlreadyExists',
    });
    expect(await client.api(`${at}?@microsoft.graph.conflictBehavior=rename`).put('three')).toMatchObject({
      name: 'a 1.txt',
    });
    expect(
      await failure(
        client
          .api(at)
          .header('If-Match', made.eTag as string)
          .put('no'),
      ),
    ).toMatchObject({ statusCode: 412 });
    expect(Object.fromEntries(fake.library.contents())).toEqual({
      'q/r/a.txt': Buffer.from('two'),
      'q/r/a 1.txt': Buffer.from('three'),
    });
  });

  test('a folder is made once', async () => {
    const make = () => client.api(`${root()}/children`).post({ name: 'q', folder: {} });
    expect(await make()).toMatchObject({ name: 'q', folder: { childCount: 0 } });
    expect(await failure(make())).toMatchObject({ statusCode: 409, code: 'nameAlreadyExists' });
  });

  test('a move wants the right eTag and a free name', async () => {
    const { id, eTag, cTag } = fake.library.put('a', 'x');
    const folder = fake.library.makeFolder('q');
    fake.library.put('q/taken', 'other');
    const move = (name: string, tag: string) =>
      client
        .api(`${drive()}/items/${id}`)
        .header('If-Match', tag)
        .patch({ parentReference: { id: folder.id }, name });
    expect(await failure(move('b', '"{0},1"'))).toMatchObject({ statusCode: 412, code: 'resourceModified' });
    expect(await failure(move('b', cTag))).toMatchObject({ statusCode: 412 });
    expect(await failure(move('taken', eTag))).toMatchObject({ statusCode: 409, code: 'nameAlreadyExists' });
    expect(await failure(move('TAKEN', eTag))).toMatchObject({ statusCode: 409 });
    expect(await failure(move('a:b', eTag))).toMatchObject({ statusCode: 400 });
    const moved: Item = await move('b', eTag);
    expect(moved).toMatchObject({ id, cTag, parentReference: { id: folder.id } });
    expect(moved.eTag).not.toBe(eTag);
    expect([...fake.library.contents().keys()]).toEqual(['q/taken', 'q/b']);
  });

  test('a delete wants the right eTag and fills the recycle bin, from which Graph restores nothing', async () => {
    const { id, eTag } = fake.library.put('d/a', 'x');
    const { eTag: now } = fake.library.touch('d/a');
    const at = client.api(`${drive()}/items/${id}`);
    expect(await failure(at.header('If-Match', eTag).delete())).toMatchObject({
      statusCode: 412,
      code: 'resourceModified',
    });
    await client.api(`${drive()}/items/${id}`).header('If-Match', now).delete();
    expect(fake.library.recycleBin()).toEqual([{ path: 'd/a', bytes: Buffer.from('x') }]);
    expect(await failure(get(`${drive()}/items/${id}`))).toMatchObject({ statusCode: 404 });
    expect(await failure(client.api(`${drive()}/items/${id}/restore`).post({}))).toMatchObject({ statusCode: 404 });
    const other = fake.library.put('b', 'x').id;
    await client.api(`${drive()}/items/${other}/permanentDelete`).post({});
    expect(fake.library.recycleBin()).toHaveLength(1);
  });

  test('what somebody has open stays', async () => {
    const { id } = fake.library.put('a', 'x');
    fake.library.lock('a');
    expect(await failure(client.api(`${drive()}/items/${id}`).delete())).toMatchObject({ statusCode: 423 });
  });
});

test('a delta can bring the folders above what changed, as Graph does', async () => {
  fake.library.put('a/b/c', 'x');
  const latest = await get(`${root()}/delta?token=latest`);
  fake.library.overwrite('a/b/c', 'longer');
  const names = async () => {
    const { value } = (await get(
      new URL(latest['@odata.deltaLink'] as string).pathname.slice('/v1.0'.length),
    )) as unknown as {
      value: Item[];
    };
    return value.map(({ name }) => name);
  };
  expect(await names()).toEqual(['c']);
  fake.deltas.withFolders = true;
  expect(await names()).toEqual(['root', 'a', 'b', 'c']);
});

describe('faults', () => {
  test.each([
    ['throttled', throttled(2), 429, 'activityLimitReached', '2'],
    ['unavailable', unavailable(3), 503, 'serviceNotAvailable', '3'],
    ['expired', expired(), 401, 'InvalidAuthenticationToken', null],
    ['forbidden', forbidden(), 403, 'accessDenied', null],
    ['resync', resync('https://127.0.0.1/again'), 410, 'resyncChangesApplyDifferences', null],
  ])('%s, once', async (_, answer, status, code, after) => {
    const headers = { authorization: `Bearer ${await token()}` };
    fake.inject({ answer });
    const refused = await fetch(`${fake.origin}/v1.0${drive()}/root`, { headers });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([status, after]);
    expect(await refused.json()).toMatchObject({ error: { code } });
    expect((await fetch(`${fake.origin}/v1.0${drive()}/root`, { headers })).status).toBe(200);
  });

  test('the client waits as long as it is told', async () => {
    fake.inject({ answer: throttled(1) });
    const started = Date.now();
    await get(root());
    expect(Date.now() - started).toBeGreaterThanOrEqual(990);
    expect(fake.requests.filter(({ server }) => server === 'graph').map(({ status }) => status)).toEqual([429, 200]);
  });

  test('a body that breaks off', async () => {
    fake.library.put('a', Buffer.alloc(100_000));
    const item = await get(`${drive()}/root:/a`);
    fake.inject({ match: ({ server }) => server === 'download', answer: cutAfter(5000) });
    const answer = await fetch(item['@microsoft.graph.downloadUrl'] as string);
    await expect(answer.arrayBuffer()).rejects.toThrow();
  });
});

describe('subscriptions', () => {
  let receiver: http.Server;
  let url: string;
  let answer: (token: string | null) => { status: number; type: string; body: string };
  const got: { subscriptionId: string; clientState?: string; lifecycleEvent?: string }[] = [];

  beforeAll(async () => {
    receiver = http.createServer((request, response) => void receive(request, response));
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  });
  beforeEach(() => {
    got.length = 0;
    answer = (sent) => ({ status: 200, type: 'text/plain', body: sent ?? '' });
  });
  afterAll(() => void receiver.close());

  async function receive(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += chunk;
    if (body !== '') got.push(...JSON.parse(body).value);
    const said = answer(new URL(request.url ?? '', 'http://x').searchParams.get('validationToken'));
    response.writeHead(said.status, { 'content-type': said.type }).end(said.body);
  }

  const subscribe = (over: object = {}) =>
    client.api('/subscriptions').post({
      changeType: 'updated',
      notificationUrl: url,
      lifecycleNotificationUrl: url,
      resource: `/drives/${fake.driveId}/root`,
      clientState: 'known to us alone',
      expirationDateTime: new Date(Date.now() + 3_600_000).toISOString(),
      ...over,
    });

  test('is made once its receiver has proved itself, tells of changes, is renewed, and ends', async () => {
    const { id } = await subscribe();
    fake.library.put('a', 'x');
    await fake.subscriptions.sent();
    expect(got).toMatchObject([
      { subscriptionId: id, clientState: 'known to us alone', changeType: 'updated', tenantId: fake.tenantId },
    ]);
    expect(got[0]).not.toHaveProperty('resourceData.id');
    fake.subscriptions.lifecycle(id, 'missed');
    await fake.subscriptions.sent();
    expect(got[1]).toMatchObject({ lifecycleEvent: 'missed' });
    const later = new Date(Date.now() + 7_200_000).toISOString();
    expect(await client.api(`/subscriptions/${id}`).patch({ expirationDateTime: later })).toMatchObject({
      expirationDateTime: later,
    });
    await client.api(`/subscriptions/${id}`).delete();
    fake.library.put('b', 'x');
    await fake.subscriptions.sent();
    expect(got).toHaveLength(2);
    expect(await failure(client.api(`/subscriptions/${id}`).get())).toMatchObject({ statusCode: 404 });
  });

  test('is authorised anew, tells so, and is gone when its end has come', async () => {
    const { id } = await subscribe();
    fake.subscriptions.lifecycle(id, 'reauthorizationRequired');
    await fake.subscriptions.sent();
    expect(got).toMatchObject([{ lifecycleEvent: 'reauthorizationRequired', clientState: 'known to us alone' }]);
    await client.api(`/subscriptions/${id}/reauthorize`).post({});
    expect(fake.subscriptions.reauthorized).toEqual([id]);
    fake.subscriptions.expire(id);
    fake.library.put('late', 'x');
    await fake.subscriptions.sent();
    expect(got).toHaveLength(1);
    expect(await failure(client.api(`/subscriptions/${id}/reauthorize`).post({}))).toMatchObject({ statusCode: 404 });
    const other = (await subscribe()).id;
    fake.subscriptions.lifecycle(other, 'subscriptionRemoved');
    await fake.subscriptions.sent();
    expect(got[1]).toMatchObject({ subscriptionId: other, lifecycleEvent: 'subscriptionRemoved' });
    expect((await client.api('/subscriptions').get()).value).toEqual([]);
  });

  test('an application that may read no drive may not subscribe', async () => {
    fake.tokens.roles = ['Sites.Selected'];
    expect(await failure(subscribe())).toMatchObject({ statusCode: 403 });
  });

  test.each([
    ['another token', (sent: string | null) => ({ status: 200, type: 'text/plain', body: `${sent}!` })],
    ['another type', (sent: string | null) => ({ status: 200, type: 'application/json', body: sent ?? '' })],
    ['another status', (sent: string | null) => ({ status: 202, type: 'text/plain', body: sent ?? '' })],
  ])('a receiver that answers with %s gets none', async (_, said) => {
    answer = said;
    expect(await failure(subscribe())).toMatchObject({ statusCode: 400, code: 'ValidationError' });
    expect(fake.subscriptions.all.size).toBe(0);
  });

  test.each([
    { changeType: 'created,updated' },
    { resource: '/drives/none/root' },
    { expirationDateTime: new Date(Date.now() + 31 * 86_400_000).toISOString() },
    { clientState: 'x'.repeat(129) },
  ])('%o is refused', async (over) => {
    expect(await failure(subscribe(over))).toMatchObject({ statusCode: 400, code: 'InvalidRequest' });
  });
});

describe('quickXorHash', () => {
  test.each([
    ['', 'AAAAAAAAAAAAAAAAAAAAAAAAAAA='],
    ['Sg==', 'SgAAAAAAAAAAAAAAAQAAAAAAAAA='],
    ['tbQ=', 'taAFAAAAAAAAAAAAAgAAAAAAAAA='],
    ['0pZP', '0rDEEwAAAAAAAAAAAwAAAAAAAAA='],
    ['/aNzzCFPS/A=', '/RjFHJgRgicsAR4ACAAAAAAAAAA='],
  ])('of %s', (bytes, hash) => {
    expect(quickXorHash(Buffer.from(bytes, 'base64'))).toBe(hash);
  });
});
