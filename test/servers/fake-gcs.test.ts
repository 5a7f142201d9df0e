import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FakeGcs, startFakeGcs } from '../../scripts/servers/fake-gcs.ts';

let gcs: FakeGcs;
let number = 0;
beforeAll(async () => {
  gcs = await startFakeGcs();
}, 120_000);
afterAll(() => gcs.stop());

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the service answers
  readonly body: any;
}

async function ask(method: string, url: string, body?: string): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${gcs.endpoint}${url}`, { method, headers, ...(body !== undefined && { body }) });
  const text = await answer.text();
  return { status: answer.status, body: text.startsWith('{') ? JSON.parse(text) : text };
}

async function bucket(versions = false): Promise<string> {
  const name = `bucket-${number++}`;
  await ask('POST', '/storage/v1/b?project=p', JSON.stringify({ name, versioning: { enabled: versions } }));
  return name;
}

const upload = (to: string, name: string, bytes: string, query = '') =>
  ask('POST', `/upload/storage/v1/b/${to}/o?uploadType=media&name=${encodeURIComponent(name)}${query}`, bytes);
const object = (of: string, name: string) => `/storage/v1/b/${of}/o/${encodeURIComponent(name)}`;
const copy = (of: string, from: string, to: string) =>
  `${object(of, from)}/rewriteTo/b/${of}/o/${encodeURIComponent(to)}`;

describe('conditions', () => {
  test('an object is made only where there is none', async () => {
    const to = await bucket();
    expect((await upload(to, 'a', 'one', '&ifGenerationMatch=0')).status).toBe(200);
    const again = await upload(to, 'a', 'two', '&ifGenerationMatch=0');
    expect(again.status).toBe(412);
    expect(again.body.error.errors[0].reason).toBe('conditionNotMet');
    expect((await ask('GET', `${object(to, 'a')}?alt=media`)).body).toBe('one');
  });

  test.each(['DELETE', 'PATCH', 'GET'])('%s of another generation, and of this one', async (method) => {
    const to = await bucket();
    const { generation } = (await upload(to, 'a/b', 'one')).body;
    const body = method === 'PATCH' ? '{"metadata":{"k":"v"}}' : undefined;
    expect((await ask(method, `${object(to, 'a/b')}?ifGenerationMatch=1`, body)).status).toBe(412);
    expect((await ask('GET', object(to, 'a/b'))).body).toMatchObject({ generation, metageneration: '1' });
    expect((await ask(method, `${object(to, 'a/b')}?ifGenerationMatch=${generation}`, body)).status).toBeLessThan(300);
    expect((await ask('GET', object(to, 'a/b'))).status).toBe(method === 'DELETE' ? 404 : 200);
    expect((await ask(method, `${object(to, 'none')}?ifGenerationMatch=1`, body)).status).toBe(404);
  });

  test('a copy, by its source and by its target', async () => {
    const to = await bucket();
    const { generation } = (await upload(to, 'a', 'one')).body;
    const made = await ask('POST', `${copy(to, 'a', 'b')}?ifGenerationMatch=0&sourceGeneration=${generation}`);
    expect(made.body).toMatchObject({ done: true, resource: { size: '3', metageneration: '1' } });
    for (const query of ['ifGenerationMatch=0', 'ifGenerationMatch=1', 'ifSourceGenerationMatch=1']) {
      expect((await ask('POST', `${copy(to, 'a', 'b')}?${query}`)).status).toBe(412);
    }
    expect((await ask('POST', `${copy(to, 'a', 'c')}?sourceGeneration=1`)).status).toBe(404);
  });

  test('metagenerations count up with every change of the metadata, and are compared', async () => {
    const to = await bucket();
    const { generation } = (await upload(to, 'a', 'one')).body;
    const patch = (match: number) =>
      ask('PATCH', `${object(to, 'a')}?ifMetagenerationMatch=${match}`, `{"metadata":{"k${match}":"v"}}`);
    expect((await patch(1)).body).toMatchObject({ generation, metageneration: '2', kind: 'storage#object' });
    expect((await patch(1)).status).toBe(412);
    expect((await patch(2)).body).toMatchObject({ metageneration: '3', metadata: { k1: 'v', k2: 'v' } });
    expect((await ask('GET', `/storage/v1/b/${to}/o`)).body.items[0].metageneration).toBe('3');
    expect((await upload(to, 'a', 'new')).body.metageneration).toBe('1');
  });

  test('of many that race for one condition, one wins', async () => {
    const to = await bucket();
    const racing = Array.from({ length: 20 }, (_, i) => upload(to, 'a', `${i}`, '&ifGenerationMatch=0'));
    const states = (await Promise.all(racing)).map(({ status }) => status);
    expect(states.filter((status) => status === 200)).toHaveLength(1);
    expect(states.filter((status) => status === 412)).toHaveLength(19);
  });
});

describe('generations', () => {
  test('one is deleted for good, live or not, and no other', async () => {
    const to = await bucket(true);
    const first = (await upload(to, 'a', 'one')).body.generation;
    const second = (await upload(to, 'a', 'two')).body.generation;
    const versions = async () => (await ask('GET', `/storage/v1/b/${to}/o?versions=true`)).body.items ?? [];
    expect((await versions()).length).toBe(2);
    expect((await ask('DELETE', `${object(to, 'a')}?generation=${first}`)).status).toBe(204);
    expect((await ask('GET', object(to, 'a'))).body.generation).toBe(second);
    expect((await versions()).length).toBe(1);
    expect((await ask('DELETE', `${object(to, 'a')}?generation=${first}`)).status).toBe(404);
    expect((await ask('DELETE', `${object(to, 'a')}?generation=${second}`)).status).toBe(204);
    expect(await versions()).toEqual([]);
  });
});

describe('buckets', () => {
  test('come in pages, in order', async () => {
    const made = [await bucket(), await bucket(), await bucket()];
    const names: string[] = [];
    let token: string | undefined = '';
    while (token !== undefined) {
      const { body } = await ask('GET', `/storage/v1/b?project=p&maxResults=2&pageToken=${token}`);
      expect(body.items.length).toBeLessThanOrEqual(2);
      names.push(...body.items.map(({ name }: { name: string }) => name));
      token = body.nextPageToken;
    }
    expect(names).toEqual([...names].sort());
    expect(names).toEqual(expect.arrayContaining(made));
  });

  test('permissions are those that nobody withholds', async () => {
    const of = await bucket();
    const query = 'permissions=storage.objects.get&permissions=storage.objects.list';
    gcs.withhold('storage.objects.get');
    const { body } = await ask('GET', `/storage/v1/b/${of}/iam/testPermissions?${query}`);
    expect(body.permissions).toEqual(['storage.objects.list']);
    gcs.withhold();
  });
});

describe('what the fake does not keep', () => {
  test('is shown, and a hold is kept', async () => {
    const to = await bucket();
    await upload(to, 'a', 'one');
    await gcs.show(to, 'a', { temporaryHold: true, storageClass: 'ARCHIVE' });
    expect((await ask('GET', object(to, 'a'))).body).toMatchObject({ temporaryHold: true, storageClass: 'ARCHIVE' });
    const refused = await ask('DELETE', object(to, 'a'));
    expect(refused.status).toBe(403);
    expect(refused.body.error.errors[0].reason).toBe('objectUnderActiveHold');
    expect((await upload(to, 'a', 'two')).status).toBe(403);
    await gcs.show(to, 'a', { temporaryHold: false });
    expect((await ask('DELETE', object(to, 'a'))).status).toBeLessThan(300);
  });
});

test('it ends with the process that started it, however that ends', async () => {
  const module = path.join(import.meta.dirname, '../../scripts/servers/fake-gcs.ts');
  const script = `
    const { startFakeGcs } = await import(${JSON.stringify(module)});
    const { execFileSync } = await import('node:child_process');
    await startFakeGcs();
    const shell = execFileSync('ps', ['-o', 'pid=', '--ppid', String(process.pid)]).toString().trim().split(/\\s+/)[0];
    const server = execFileSync('ps', ['-o', 'pid=,comm=', '--ppid', shell]).toString();
    console.log(/(\\d+) fake-gcs/.exec(server)[1]);
    process.kill(process.pid, 'SIGKILL');`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script]).catch(
    (error: { stdout: string }) => error,
  );
  const server = Number(stdout.trim());
  expect(server).toBeGreaterThan(0);
  const alive = () => {
    try {
      return process.kill(server, 0);
    } catch {
      return false;
    }
  };
  await expect.poll(alive, { timeout: 10_000 }).toBe(false);
}, 60_000);
