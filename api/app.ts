import express, { type ErrorRequestHandler, type Express } from 'express';
import { createAround } from './around.ts';
import { type Access, createAccess } from './auth/access.ts';
import { drain } from './body.ts';
import type { ApiDeps } from './deps.ts';
import { createGuard, secureHeaders } from './guard.ts';
import { createJobs } from './jobs.ts';
import { connectorListRoute } from './old/core-routes.ts';
import { oldProblem, tellOld } from './old/old-problem.ts';
import { oldRoutes } from './old/old-routes.ts';
import { remoteRoutes } from './old/remote-routes.ts';
import { problemOf } from './problem-of.ts';
import { ApiProblem } from './problems.ts';
import { mountRoutes, RETRY_SECONDS, type Route } from './route.ts';
import { allowedRoutes } from './routes/allowed.ts';
import { approvalRoutes } from './routes/approvals.ts';
import { auditRoutes } from './routes/audit.ts';
import { connectorKeyRoutes } from './routes/connector-keys.ts';
import { connectorRoutes } from './routes/connectors.ts';
import { descriptionRoutes } from './routes/description.ts';
import { eventRoutes } from './routes/events.ts';
import { feedRoutes } from './routes/feed.ts';
import { findingRoutes } from './routes/findings.ts';
import { healthRoutes } from './routes/health.ts';
import { jobLedgerRoutes } from './routes/job-ledger.ts';
import { jobRowRoutes } from './routes/job-rows.ts';
import { jobRoutes } from './routes/jobs.ts';
import { keyRoutes } from './routes/keys.ts';
import { madeConnectorRoutes } from './routes/made-connectors.ts';
import { quarantineRoutes } from './routes/quarantine.ts';
import { rebuildRoutes } from './routes/rebuild.ts';
import { retryRoutes } from './routes/retry.ts';
import { scanRoutes } from './routes/scan.ts';
import { scheduleRoutes } from './routes/schedules.ts';
import { storageRoutes } from './routes/storage.ts';
import { watchRoutes } from './routes/watch.ts';
import { createSharedLooks } from './shared-looks.ts';
import { cutSlowReaders } from './slow-readers.ts';

/** Every route of the API, in one table. */
export function apiRoutes(deps: ApiDeps, access: Pick<Access, 'keys'> = createAccess(deps)): readonly Route[] {
  const jobs = createJobs(deps);
  const looks = createSharedLooks(deps, jobs);
  const routes: readonly Route[] = [
    ...healthRoutes(deps),
    connectorListRoute(deps),
    // Before the resources: `connectors/register` is no connector of that name.
    ...remoteRoutes(deps, jobs),
    ...connectorRoutes(deps),
    ...madeConnectorRoutes(deps),
    ...connectorKeyRoutes(deps),
    ...watchRoutes(deps),
    ...storageRoutes(deps),
    ...rebuildRoutes(deps),
    ...jobRoutes(deps, jobs),
    ...jobRowRoutes(deps, jobs, looks),
    ...feedRoutes(deps, looks),
    ...findingRoutes(deps),
    ...jobLedgerRoutes(jobs),
    ...scanRoutes(deps, jobs),
    ...retryRoutes(deps, jobs),
    ...approvalRoutes(deps, jobs),
    ...quarantineRoutes(deps, jobs),
    ...allowedRoutes(deps),
    ...eventRoutes(deps),
    ...scheduleRoutes(deps),
    ...keyRoutes(access.keys),
    ...auditRoutes(deps),
    ...oldRoutes(deps, jobs),
    ...descriptionRoutes(deps, () => routes),
  ];
  return routes;
}

/** The Express app. @throws Error when an address that other machines can reach has no key */
export function createApi(deps: ApiDeps): Express {
  const { key, loopback, publicHosts = [] } = deps.settings;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.set('case sensitive routing', true);
  app.use(cutSlowReaders());
  app.use(secureHeaders);
  const access = createAccess(deps);
  const routes = apiRoutes(deps, access);
  const { find, limits } = access;
  app.use(tellOld(routes));
  app.use(createGuard({ loopback, publicHosts, keyed: key !== undefined, find, routes, limits }));
  mountRoutes(app, routes, createAround(access));
  app.use((request) => {
    throw new ApiProblem('not_found', `There is nothing at ${JSON.stringify(request.path.slice(0, 200))}.`);
  });
  app.use(answerProblems(deps));
  return app;
}

/** The last handler: whatever was thrown becomes a problem, and what nobody foresaw is logged. */
function answerProblems({ log }: ApiDeps): ErrorRequestHandler {
  return async (error, request, response, _next) => {
    const problem = problemOf(error);
    const facts = { method: request.method, path: request.path, status: problem.status, code: problem.code };
    if (problem.code === 'internal') log.error({ ...facts, err: error }, 'unexpected error');
    else if (problem.status >= 500) log.warn(facts, problem.message);
    else log.debug(facts, problem.message);
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    if (!(await drain(request))) response.set('Connection', 'close');
    const wait = problem.extra.retryAfterSeconds;
    if (typeof wait === 'number') response.set('Retry-After', String(wait));
    else if (problem.status === 503) response.set('Retry-After', RETRY_SECONDS);
    if (response.locals.old === true) {
      const { status, body } = oldProblem(problem);
      response.status(status).json(body);
      return;
    }
    response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem.toBody()));
  };
}
