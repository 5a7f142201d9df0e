import type { Server } from 'node:http';
import { apiRoutes } from '../../api/app.ts';
import type { ApiDeps } from '../../api/deps.ts';
import { openApi, pathOf } from '../../api/openapi.ts';
import { patterns } from '../../api/route.ts';

interface Described {
  readonly paths: Record<string, Record<string, { responses: Record<string, { content?: object }> }>>;
}

const TABLE = apiRoutes({ settings: { connectors: [] }, scanners: [] } as unknown as ApiDeps);
const { paths } = openApi(TABLE, { version: '1', keyed: true }) as unknown as Described;
const ROUTES = TABLE.flatMap((route) =>
  patterns([route]).map((pattern) => ({
    pattern,
    name: `${route.method} ${route.path}`,
    method: route.method as string,
    responses: paths[pathOf(route)]?.[route.method.toLowerCase()]?.responses ?? {},
  })),
);

/** Listens to every answer of a server; returns those that its description does not have, each as one line. */
export function undocumentedAnswers(server: Server): () => readonly string[] {
  const found = new Set<string>();
  server.on('request', (request, response) => {
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '');
    const path = new URL(request.url ?? '', 'http://x').pathname;
    const route = ROUTES.find((one) => one.method === method && one.pattern.test(path));
    response.once('finish', () => {
      if (route === undefined) return;
      const media = String(response.getHeader('content-type') ?? '').split(';')[0] as string;
      const described = route.responses[response.statusCode];
      const accepted = Object.keys(described?.content ?? {});
      const isFine =
        described !== undefined && (media === '' || accepted.some((one) => one === media || one === '*/*'));
      if (!isFine) found.add(`${route.name}: ${response.statusCode} ${media}`);
    });
  });
  return () => [...found];
}
