import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { z } from 'zod';
import type { ApiDeps } from '../deps.ts';
import { openApi } from '../openapi.ts';
import { ApiProblem } from '../problems.ts';
import { type Call, type Route, route } from '../route.ts';
import { type Written, written } from '../written.ts';

/** The page runs scripts of this server alone, and asks this server alone. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>dsx-connect API</title>
<link rel="icon" type="image/png" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<main id="page"></main>
<noscript>This page needs JavaScript. What it shows is in openapi.json, beside it.</noscript>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`;

/**
 * `validatorUrl` would send the description to a server of the page's makers. Parts are closed at first: open ones would be so many that the page
 * keeps only those in view, which a search in the browser does not find.
 */
const START = `SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#page',
  deepLinking: true,
  docExpansion: 'none',
  validatorUrl: null,
  queryConfigEnabled: false,
  persistAuthorization: false,
});
`;

const JS = 'text/javascript; charset=utf-8';
const FILES: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': JS,
  'favicon-32x32.png': 'image/png',
};

/** What this API is: its OpenAPI document, and a page that shows it without asking anybody else. */
export function descriptionRoutes({ settings }: ApiDeps, routes: () => readonly Route[]): readonly Route[] {
  let document: Written | undefined;
  const answer = ({ response }: Pick<Call<never, never, never>, 'response'>, type: string, body: string | Buffer) => {
    response.setHeader('Content-Type', type);
    response.setHeader('Content-Length', Buffer.byteLength(body));
    response.end(body);
    return undefined;
  };
  return [
    route({
      method: 'GET',
      path: '/openapi.json',
      summary: 'This document.',
      role: 'viewer',
      basic: true,
      answers: { 200: z.looseObject({ openapi: z.string() }) },
      handle: async () => {
        document ??= written(openApi(routes(), { version: settings.version, keyed: settings.key !== undefined }));
        return { status: 200, written: document };
      },
    }),
    route({
      method: 'GET',
      path: '/docs',
      summary: 'A page that shows this document.',
      role: 'viewer',
      basic: true,
      answers: { 200: 'file' },
      handle: async (call) => {
        call.response.setHeader('Content-Security-Policy', PAGE_POLICY);
        return answer(call, 'text/html; charset=utf-8', PAGE);
      },
    }),
    route({
      method: 'GET',
      path: '/docs/:file',
      summary: 'A file of that page.',
      role: 'viewer',
      basic: true,
      params: z.strictObject({ file: z.string() }),
      answers: { 200: 'file' },
      problems: ['not_found'],
      handle: async (call) => {
        const { file } = call.params;
        if (file === 'start.js') return answer(call, JS, START);
        const type = Object.hasOwn(FILES, file) ? FILES[file] : undefined;
        if (type === undefined) throw new ApiProblem('not_found', 'The page has no such file.');
        const bytes = await readFile(path.join(pageFolder(), file));
        call.response.setHeader('Cache-Control', 'private, max-age=3600');
        return answer(call, type, bytes);
      },
    }),
  ];
}

function pageFolder(): string {
  return path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
}
