import { BEGUN } from '../../domain/estimate.ts';
import type { EstimateView } from '../../workflows/messages.ts';
import { assetList, checkAnswer, estimateResource, previewAnswer } from '../answer-schemas.ts';
import { API_PREFIX, type EstimateBody, type EstimateResource } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { isEstimateId, newEstimateId } from '../estimate-id.ts';
import { listRequest, type Named, placeOf, quarantineOf } from '../list-request.ts';
import { ApiProblem } from '../problems.ts';
import {
  assetsQuery,
  checkBody,
  connectorEstimateParams,
  connectorParams,
  ESTIMATE_SECONDS,
  estimateBody,
  estimateParams,
  folderCheckBody,
  folderEstimateBody,
  folderPreviewQuery,
  previewQuery,
} from '../request-schemas.ts';
import { type Method, type Reply, type Route, route } from '../route.ts';
import { assetList as assetPage, pageBefore, previewAnswer as previewOf, readAnswer } from '../storage-answers.ts';

const OF_CONNECTOR = ['connector_not_found', 'no_worker', 'temporal_unreachable'] as const;
const OF_FOLDER = ['folder_scans_off', 'no_worker', 'temporal_unreachable'] as const;
const OF_ANSWER = ['check_failed', 'storage_failed', 'ledger_unavailable'] as const;

/** What is asked of a storage before it is scanned; the work is done at its site. */
export function storageRoutes(deps: ApiDeps): readonly Route[] {
  const check = async (named: Named, action: (typeof checkBody)['_output']['action']): Promise<Reply> => {
    const { bound, ...place } = placeOf(deps, named);
    const quarantine = quarantineOf(deps, place.source, bound);
    const report = await deps.control.check({
      ...place,
      action: action ?? bound?.action ?? 'nothing',
      ...(quarantine !== undefined && { quarantine }),
    });
    return { status: 200, body: { ...named, ok: report.ok, checks: report.checks } };
  };
  const preview = async (named: Named, query: (typeof previewQuery)['_output']): Promise<Reply> => {
    const request = listRequest(deps, named, query);
    const ref = await deps.control.preview({ ...request, limit: query.limit });
    return { status: 200, body: previewOf(request, await readAnswer(deps, ref)) };
  };
  const startEstimate = async (named: Named, body: EstimateBody): Promise<Reply> => {
    const { maxSeconds = ESTIMATE_SECONDS } = body;
    const estimate = newEstimateId();
    const request = listRequest(deps, named, body);
    await deps.control.startEstimate(estimate, { ...request, maxSeconds });
    const { source } = request;
    return { status: 201, body: shown(estimate, { source, estimate: BEGUN }) };
  };
  const one = (method: Method & ('GET' | 'DELETE'), id: string, of: (view: EstimateView) => boolean) =>
    oneEstimate(deps, method, id, of);

  return [
    route({
      method: 'POST',
      path: '/connectors/:id/check',
      summary: 'Tries, at its site, what a scan of this connector and its item action need.',
      role: 'operator',
      params: connectorParams,
      json: checkBody,
      optionalBody: true,
      answers: { 200: checkAnswer },
      problems: [...OF_CONNECTOR, 'check_failed'],
      handle: ({ params, body }) => check({ connector: params.id }, body.action),
    }),
    route({
      method: 'POST',
      path: '/folders/check',
      summary: 'The same for a folder that is no connector.',
      role: 'operator',
      json: folderCheckBody,
      answers: { 200: checkAnswer },
      problems: [...OF_FOLDER, 'check_failed'],
      handle: ({ body }) => check({ folder: body.folder }, body.action),
    }),
    route({
      method: 'GET',
      path: '/connectors/:id/preview',
      summary: 'The first items that a scan of this connector would list, and what it would leave out.',
      role: 'operator',
      params: connectorParams,
      query: previewQuery,
      answers: { 200: previewAnswer },
      problems: [...OF_CONNECTOR, ...OF_ANSWER, 'filter_invalid'],
      handle: ({ params, query }) => preview({ connector: params.id }, query),
    }),
    route({
      method: 'GET',
      path: '/folders/preview',
      summary: 'The same for a folder that is no connector.',
      role: 'operator',
      query: folderPreviewQuery,
      answers: { 200: previewAnswer },
      problems: [...OF_FOLDER, ...OF_ANSWER, 'filter_invalid'],
      handle: ({ query }) => preview({ folder: query.folder }, query),
    }),
    route({
      method: 'GET',
      path: '/connectors/:id/assets',
      summary: 'What could be scanned with the credentials of this connector.',
      role: 'operator',
      params: connectorParams,
      query: assetsQuery,
      answers: { 200: assetList },
      problems: [...OF_CONNECTOR, ...OF_ANSWER],
      handle: async ({ params, query: { limit, after } }) => {
        const { source, site } = placeOf(deps, { connector: params.id });
        const before = after === undefined ? undefined : await pageBefore(deps, source.id, after);
        const ref = await deps.control.assets({
          source,
          limit,
          ...(site !== undefined && { site }),
          ...(before !== undefined && { after: before }),
        });
        return { status: 200, body: assetPage(ref, await readAnswer(deps, ref)) };
      },
    }),
    route({
      method: 'POST',
      path: '/connectors/:id/estimate',
      summary: 'Begins to count what a scan of this connector would list.',
      role: 'operator',
      params: connectorParams,
      json: estimateBody,
      optionalBody: true,
      answers: { 201: estimateResource },
      problems: [...OF_CONNECTOR, 'filter_invalid'],
      handle: ({ params, body }) => startEstimate({ connector: params.id }, body),
    }),
    route({
      method: 'POST',
      path: '/folders/estimate',
      summary: 'The same for a folder that is no connector.',
      role: 'operator',
      json: folderEstimateBody,
      answers: { 201: estimateResource },
      problems: [...OF_FOLDER, 'filter_invalid'],
      handle: ({ body: { folder, ...body } }) => startEstimate({ folder }, body),
    }),
    ...(['GET', 'DELETE'] as const).flatMap((method) => [
      route({
        method,
        path: '/connectors/:id/estimate/:estimate',
        summary: method === 'GET' ? 'An estimate as it is now.' : 'Stops an estimate: what was counted stays.',
        role: 'operator',
        params: connectorEstimateParams,
        answers: { 200: estimateResource },
        problems: ['estimate_not_found', 'no_worker', 'temporal_unreachable'],
        handle: ({ params: { id, estimate } }) =>
          one(method, estimate, ({ source }) => source.kind === 'connector' && source.id === id),
      }),
      route({
        method,
        path: '/folders/estimate/:estimate',
        summary: 'The same for the estimate of a folder.',
        role: 'operator',
        params: estimateParams,
        answers: { 200: estimateResource },
        problems: ['estimate_not_found', 'no_worker', 'temporal_unreachable'],
        handle: ({ params: { estimate } }) => one(method, estimate, ({ source }) => source.kind === 'folder'),
      }),
    ]),
  ];
}

/** @param of whether it is an estimate of what the path names */
async function oneEstimate(
  { control }: ApiDeps,
  method: 'GET' | 'DELETE',
  id: string,
  of: (view: EstimateView) => boolean,
): Promise<Reply> {
  const view = isEstimateId(id) ? await control.estimate(id) : undefined;
  if (view === undefined || !of(view)) {
    throw new ApiProblem('estimate_not_found', `There is no estimate ${JSON.stringify(id.slice(0, 100))} of it.`);
  }
  return { status: 200, body: shown(id, method === 'GET' ? view : await control.stopEstimate(id)) };
}

function shown(estimate: string, view: EstimateView | undefined): EstimateResource {
  if (view === undefined) throw new ApiProblem('estimate_not_found', `There is no estimate ${estimate} any more.`);
  const { source } = view;
  const place = source.kind === 'folder' ? 'folders' : `connectors/${source.id}`;
  const links = { self: `${API_PREFIX}/${place}/estimate/${estimate}` };
  return { estimate, source, ...view.estimate, links };
}
