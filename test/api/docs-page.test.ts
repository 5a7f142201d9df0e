import { createContext, runInContext } from 'node:vm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { API_PREFIX } from '../../api/contract.ts';
import { type Api, startApi } from './fixture.ts';

let api: Api;
let page: string;
let policy: string;
beforeAll(async () => {
  api = await startApi();
  const response = await api.ask('/docs');
  page = await response.text();
  policy = response.headers.get('content-security-policy') ?? '';
});
afterAll(() => api.stop());

/** What the page loads, as a browser resolves it. */
function loaded(): URL[] {
  const base = `${api.origin}${API_PREFIX}/docs`;
  return [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, name = '']) => new URL(name, base));
}

test('everything that the page loads is there, from this server, with the type that it is loaded as', async () => {
  const types = { js: /^text\/javascript/, css: /^text\/css/, png: /^image\/png/ };
  expect(loaded().length).toBe(4);
  for (const url of loaded()) {
    expect(url.origin).toBe(api.origin);
    const response = await fetch(url);
    expect(response.status).toBe(200);
    const kind = (url.pathname.split('.').at(-1) ?? '') as keyof typeof types;
    expect(response.headers.get('content-type')).toMatch(types[kind]);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  }
});

test('its policy lets nothing in that is inline or made of text, and the page has nothing of it', async () => {
  expect(policy).not.toMatch(/unsafe|\*|https?:/);
  expect(page).not.toMatch(/<script>|<style|style=|\son\w+=|javascript:/);
  const [css] = loaded().filter(({ pathname }) => pathname.endsWith('.css'));
  const text = await (await fetch(css as URL)).text();
  for (const [, address] of text.matchAll(/url\(["']?([^"')]{0,5})/g)) expect(address).toBe('data:');
  expect(text).not.toContain('@import');
});

test('its scripts run where no code may be made of text, as its policy has it', async () => {
  const element = { style: {}, setAttribute: () => undefined, appendChild: () => undefined };
  const document = { createElement: () => element, addEventListener: () => undefined, documentElement: element };
  const browser: Record<string, unknown> = {
    document,
    navigator: { userAgent: 'test' },
    location: { href: `${api.origin}${API_PREFIX}/docs`, search: '', hash: '' },
    addEventListener: () => undefined,
    ...{ setTimeout, clearTimeout, URL, URLSearchParams, TextEncoder, TextDecoder, AbortController, console },
    ...{ fetch, Headers, Request, Response, FormData, Blob, File, Buffer, queueMicrotask, Event, EventTarget },
  };
  browser.window = browser;
  browser.self = browser;
  const context = createContext(browser, { codeGeneration: { strings: false, wasm: false } });
  expect(() => runInContext('new Function("return this")', context)).toThrow(/Code generation from strings/);
  const [bundle, start] = loaded().filter(({ pathname }) => pathname.endsWith('.js'));
  runInContext(await (await fetch(bundle as URL)).text(), context);
  expect(typeof browser.SwaggerUIBundle).toBe('function');
  let options: { url?: string; validatorUrl?: unknown } = {};
  browser.SwaggerUIBundle = (given: typeof options) => {
    options = given;
  };
  runInContext(await (await fetch(start as URL)).text(), context);
  expect(options.validatorUrl).toBeNull();
  const document_ = await fetch(new URL(options.url ?? '', `${api.origin}${API_PREFIX}/docs`));
  expect([document_.status, ((await document_.json()) as { openapi: string }).openapi]).toEqual([200, '3.1.0']);
});
