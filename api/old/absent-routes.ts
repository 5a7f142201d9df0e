import { z } from 'zod';
import { ApiProblem } from '../problems.ts';
import type { Method, Route } from '../route.ts';
import { anyObject, oldRoute, oldWord } from './old-route.ts';

/** The deep analysis of a vendor's cloud, which is not connected. */
const DIANNA: readonly (readonly [Method, string])[] = [
  ['POST', '/dianna/analyze/:uuid'],
  ['POST', '/dianna/analyze-from-siem'],
  ['GET', '/dianna/result/:analysis'],
  ['GET', '/dianna/result/by-scan-request/:task'],
  ['GET', '/dianna/result/by-task/:task'],
];

/** Experiments that were behind flags, which were off. */
const PREVIEWS: readonly (readonly [Method, string])[] = [
  ['GET', '/scope-engine/preview'],
  ['GET', '/scope-engine/preview/status'],
  ['GET', '/scope-engine/preview/scopes'],
  ['POST', '/scope-engine/preview/scopes'],
  ['DELETE', '/scope-engine/preview/scopes/:scope'],
  ['POST', '/scope-engine/preview/match'],
  ['GET', '/job-model/preview'],
  ['GET', '/job-model/preview/envelope/sample'],
  ['GET', '/job-model/preview/mirror-health'],
  ['GET', '/job-model/preview/jobs'],
  ['POST', '/job-model/preview/full-scan/start'],
  ['POST', '/job-model/preview/full-scan/enumerate'],
  ['POST', '/job-model/preview/monitor/ingest'],
  ['POST', '/job-model/preview/scan/finalize'],
  ['POST', '/job-model/preview/jobs/:preview/state'],
];

/** Routes that answer as the former product did where a part was off, or say that there is no such part. Bodies are not read. */
export function absentRoutes(): readonly Route[] {
  const dianna = DIANNA.map(([method, path]) =>
    absent(method, path, 'Not supported: DIANNA is not connected.', 'not_supported', () => {
      throw new ApiProblem('not_supported', 'Deep analysis by DIANNA is not supported.');
    }),
  );
  const previews = PREVIEWS.map(([method, path]) => {
    const word = `${path.startsWith('/scope-engine') ? 'scope_engine' : 'job_model'}_preview_disabled`;
    return absent(method, path, 'Not there: a preview that is off.', 'not_found', () => {
      throw oldWord('not_found', word, 'This preview is off for good.');
    });
  });
  return [...dianna, ...previews];
}

function absent(
  method: Method,
  path: string,
  summary: string,
  code: 'not_supported' | 'not_found',
  refuse: () => never,
): Route {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => [name, z.string()] as const);
  return oldRoute({
    method,
    path,
    summary,
    role: method === 'GET' ? 'viewer' : 'operator',
    // Nothing happens, so there is nothing to remember.
    audit: 'none',
    ...(names.length > 0 && { params: z.object(Object.fromEntries(names)) }),
    answers: { 200: anyObject },
    problems: [code],
    handle: async () => refuse(),
  });
}
