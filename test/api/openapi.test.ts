import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiRoutes } from '../../api/app.ts';
import { API_PREFIX } from '../../api/contract.ts';
import type { ApiDeps } from '../../api/deps.ts';
import { openApi, pathOf, problemsOf } from '../../api/openapi.ts';
import { PROBLEMS } from '../../api/problems.ts';
import { type Api, startApi } from './fixture.ts';

interface Operation {
  readonly operationId: string;
  readonly description: string;
  readonly parameters: readonly { name: string; in: string; required: boolean; schema: object }[];
  readonly requestBody?: { content: Record<string, { schema: object }> };
  readonly responses: Record<string, { description: string; content: Record<string, { schema: object }> }>;
  readonly tags: readonly string[];
  readonly security: readonly Record<string, unknown>[];
  readonly 'x-role': string;
}
interface Document {
  readonly openapi: string;
  readonly servers: readonly { url: string }[];
  readonly tags: readonly { name: string; description?: string }[];
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { schemas: Record<string, object>; securitySchemes: Record<string, object> };
}

const TABLE = apiRoutes({ settings: { connectors: [] }, scanners: [] } as unknown as ApiDeps);
const document = openApi(TABLE, { version: '1.2.3', keyed: true }) as unknown as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, path, operation })),
);

test('it describes exactly the routes of the table, each under a name of its own', () => {
  expect(operations.map(({ name }) => name).sort()).toEqual(TABLE.map((r) => `${r.method} ${pathOf(r)}`).sort());
  expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(TABLE.length);
  expect(document.openapi).toBe('3.1.0');
  expect(document.servers).toEqual([{ url: API_PREFIX }]);
});

describe.each(operations)('$name', ({ name, path, operation }) => {
  test('has its parameters, each once, with a schema', () => {
    const inPath = operation.parameters.filter((one) => one.in === 'path').map(({ name }) => name);
    expect(inPath).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    const names = operation.parameters.map((one) => `${one.in} ${one.name}`);
    expect(new Set(names).size).toBe(names.length);
    for (const one of operation.parameters) expect(typeof one.schema).toBe('object');
  });

  test('tells every answer, with a media type, and says what each problem means', () => {
    expect(Object.keys(operation.responses).some((status) => status.startsWith('2'))).toBe(true);
    for (const [status, { description, content }] of Object.entries(operation.responses)) {
      expect(status).toMatch(/^[2345]\d\d$/);
      expect(description).not.toBe('');
      const isBare = ['204', '304'].includes(status) || (status === '200' && name.startsWith('OPTIONS '));
      if (isBare) expect(content).toBeUndefined();
      else expect(Object.keys(content).length).toBeGreaterThan(0);
    }
  });

  test('asks for a key, but for what is open or verifies its sender', () => {
    const role = operation['x-role'];
    const isOpen = ['none', 'signed'].includes(role);
    if (isOpen) expect(operation.security).toEqual([]);
    else expect(operation.security[0]).toEqual({ key: [] });
    expect(operation.description).toContain(isOpen ? 'no key' : role);
  });

  test('leads to nothing that is not in the document', () => {
    const references = JSON.stringify(operation).matchAll(/"\$ref":"([^"]+)"/g);
    for (const [, reference] of references) expect(reference).toBe('#/components/schemas/Problem');
    for (const scheme of operation.security.flatMap((one) => Object.keys(one))) {
      expect(document.components.securitySchemes).toHaveProperty(scheme);
    }
  });
});

test('each operation stands in one part, and every part says what is in it', () => {
  const parts = new Map(document.tags.map(({ name, description }) => [name, description]));
  for (const { operation } of operations) {
    expect(operation.tags).toHaveLength(1);
    expect(parts.get(operation.tags[0] ?? '')).toMatch(/\.$/);
  }
  expect(new Set(operations.flatMap(({ operation }) => operation.tags))).toEqual(new Set(parts.keys()));
});

test('where no key is needed, none is asked for', () => {
  const open = openApi(TABLE, { version: '1.2.3', keyed: false }) as unknown as Document;
  expect(open.components.securitySchemes).toBeUndefined();
  expect(Object.values(open.paths).flatMap((one) => Object.values(one).flatMap(({ security }) => security))).toEqual(
    [],
  );
});

test('every problem that there is can come of some route, or of the server itself', () => {
  const told = new Set(TABLE.flatMap(problemsOf));
  const elsewhere = ['not_found', 'method_not_allowed'];
  expect(Object.keys(PROBLEMS).filter((code) => !told.has(code as never) && !elsewhere.includes(code))).toEqual([]);
});

describe('as it is served', () => {
  let api: Api;
  beforeAll(async () => {
    api = await startApi();
  });
  afterAll(() => api.stop());

  test('the document is the one of this server', async () => {
    const served = await api.ask('/openapi.json');
    expect(served.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await served.json()).toEqual(openApi(TABLE, { version: '1.2.3', keyed: false }));
  });

  test('the page runs nothing inline and asks nobody else', async () => {
    const page = await api.ask('/docs');
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    const html = await page.text();
    expect(html).not.toMatch(/https?:|<style|style=|\son\w+=|<script>/);
    const files = [...html.matchAll(/(?:src|href)="docs\/([^"]+)"/g)].map(([, file]) => file ?? '');
    expect(files.length).toBe(4);
    for (const file of files) {
      const answer = await api.ask(`/docs/${file}`);
      expect([file, answer.status, answer.headers.get('x-content-type-options')]).toEqual([file, 200, 'nosniff']);
      expect((await answer.arrayBuffer()).byteLength).toBe(Number(answer.headers.get('content-length')));
    }
    const start = await (await api.ask('/docs/start.js')).text();
    expect(start).toContain('validatorUrl: null');
  });

  test.each([
    'package.json',
    '..%2fpackage.json',
    '%2e%2e%2f%2e%2e%2fpackage.json',
    'constructor',
    '__proto__',
    'index.html',
  ])('the page has no file %s', async (file) => expect((await api.ask(`/docs/${file}`)).status).toBe(404));
});
