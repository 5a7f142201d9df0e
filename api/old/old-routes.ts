import type { ApiDeps } from '../deps.ts';
import type { Jobs } from '../jobs.ts';
import type { Route } from '../route.ts';
import { absentRoutes } from './absent-routes.ts';
import { oldConnectorRoutes } from './connector-routes.ts';
import { oldCoreRoutes } from './core-routes.ts';
import { deadLetterRoutes } from './dead-letter-routes.ts';
import { oldJobRoutes } from './job-routes.ts';
import { oldResultRoutes } from './result-routes.ts';
import { fullScanRoute } from './start-scan-route.ts';
import { streamRoutes } from './stream-routes.ts';
import { tokenRoute } from './token-route.ts';

/**
 * The routes of the former product, so that its clients go on working (docs/compatibility.md). They are served by the same functions as the
 * others. They come behind the resources in the table, so that no connector's id is in their way; but for `connectors/list`, which is no connector.
 */
export function oldRoutes(deps: ApiDeps, jobs: Jobs): readonly Route[] {
  return [
    ...oldCoreRoutes(deps),
    ...oldResultRoutes(deps, jobs),
    ...oldJobRoutes(deps, jobs),
    ...oldConnectorRoutes(deps),
    fullScanRoute(deps, jobs),
    tokenRoute(),
    ...deadLetterRoutes(deps, jobs),
    ...streamRoutes(deps, jobs),
    ...absentRoutes(),
  ];
}
