import { isAbsolute, join, resolve } from 'node:path';
import { effectiveSettings } from '../domain/effective-settings.ts';
import { FilterError, parseFilter } from '../domain/filter/filter.ts';
import type { ScanSettings, Source } from '../domain/job.ts';
import { limitsOf } from '../domain/limits.ts';
import { isRemoteId, QUIET_MS } from '../domain/remote.ts';
import { folderSourceId } from '../domain/source.ts';
import type { StartRequest } from '../workflows/messages.ts';
import { brakeOf } from './brake.ts';
import type { ConnectorResource, ScanItemsBody, StartJobBody } from './contract.ts';
import { type ApiDeps, DEFAULT_SCANNER, type NamedScanner } from './deps.ts';
import { newJobId } from './job-id.ts';
import { connectorOf } from './old/identity.ts';
import { ApiProblem } from './problems.ts';

/** The source of a folder that is no connector. `path` is absolute and normal. */
export function folderSource(path: string): Source {
  return { kind: 'folder', id: folderSourceId(path), path };
}

/** What a full scan is started with. @throws ApiProblem for every choice that can't be */
export function startRequest(deps: ApiDeps, body: StartJobBody, actor: string): StartRequest {
  const { connector, folder } = body;
  if ((connector === undefined) === (folder === undefined)) {
    throw invalid('connector', 'Name either a connector or a folder, and only one of them.');
  }
  const bound = connector === undefined ? undefined : findConnector(deps, connector);
  const source: Source =
    bound === undefined ? checkedFolder(deps, folder as string) : { kind: 'connector', id: bound.id };
  const named = chooseScanner(deps, body.scanner ?? bound?.scanner);
  checkedFilter(body.filter ?? bound?.filter ?? '');
  brakeOf(body, bound);
  checkIncremental(body, bound?.kind);
  const settings = effectiveSettings(body, bound, named.name, defaultQuarantine(deps, source, bound));
  checkQuarantine(settings, bound?.kind ?? 'filesystem', source.kind === 'folder' ? source.path : bound?.asset);
  return {
    job: newJobId(),
    kind: 'full',
    source,
    settings,
    actor,
    ...(bound?.kind === 'remote' && { pushed: { ask: true, ...quietOf(deps) } }),
    ...(body.weight !== undefined && { weight: body.weight }),
    ...(bound?.site !== undefined && { site: bound.site }),
    ...(body.limits !== undefined && { limits: limitsOf(body.limits) }),
  };
}

/** @throws ApiProblem `request_invalid` */
function checkIncremental({ incremental, rescanAfter }: StartJobBody, kind: string | undefined): void {
  if (incremental === true && kind === 'remote') {
    throw invalid('incremental', 'A remote connector does not tell versions, so nothing is known to be unchanged.');
  }
  if (incremental === true || rescanAfter === undefined) return;
  throw invalid(
    'rescanAfter',
    'It is about unchanged items, which only an incremental scan skips; set "incremental" too.',
  );
}

/** What a scan of named items of a connector is started with, but for its intake page. @throws ApiProblem */
export function itemsRequest(
  deps: ApiDeps,
  { connector, action, scanner }: ScanItemsBody,
  actor: string,
): StartRequest {
  const chosen = { ...(action !== undefined && { action }), ...(scanner !== undefined && { scanner }) };
  const { pushed: _, ...request } = startRequest(deps, { connector, ...chosen }, actor);
  return { ...request, kind: 'requested' };
}

/**
 * A connector that registered by itself, or that another process may have made a moment ago, is looked up, so that `findConnector` knows
 * it. @throws LedgerError
 */
export async function meetConnector({ remote, made, settings }: ApiDeps, id: string | undefined): Promise<void> {
  if (id === undefined || settings.connectors.some((one) => one.id === id)) return;
  if (isRemoteId(id)) await remote?.remotes.get(id);
  else await made?.refresh();
}

/** By its id, or the UUID that clients of the former product know it by. */
export function findConnector(deps: ApiDeps, id: string): ConnectorResource {
  const found = connectorOf(deps.settings.connectors, id) ?? deps.remote?.remotes.resource(id);
  if (found !== undefined) return found;
  const known = deps.settings.connectors.map((c) => c.id).join(', ');
  const help = known === '' ? 'None is configured.' : `Configured: ${known}.`;
  throw new ApiProblem('connector_not_found', `There is no connector ${JSON.stringify(id)}. ${help}`);
}

/** The scanner that judges: the one named, else `dsxa`. A stand-in only judges where it was asked for by name. */
export function chooseScanner(deps: ApiDeps, wanted: string | undefined): NamedScanner {
  const name = wanted ?? DEFAULT_SCANNER;
  const found = deps.scanners.find((s) => s.name === name);
  const { appEnv } = deps.settings;
  if (appEnv !== 'dev' && (found?.standIn || name === 'standin')) {
    throw new ApiProblem('standin_refused', `A stand-in scanner judges nothing and is refused with APP_ENV=${appEnv}.`);
  }
  if (found !== undefined) return found;
  if (name === DEFAULT_SCANNER) {
    throw new ApiProblem(
      'scanner_not_named',
      'No scanner is named, so nothing can be judged. Set DSXA_SCANNER_URL, or name a scanner in the configuration file, ' +
        'or ask for the stand-in by name (--scanner standin), which proves nothing.',
    );
  }
  const known = deps.scanners.map((s) => s.name).join(', ') || 'none';
  throw new ApiProblem('scanner_unknown', `There is no scanner ${JSON.stringify(name)}. Configured: ${known}.`);
}

/** @throws ApiProblem `folder_scans_off` */
export function checkFolderScans(deps: ApiDeps): void {
  if (!deps.settings.folderScans) {
    throw new ApiProblem(
      'folder_scans_off',
      'This API scans connectors only. Set DSXCONNECT_FOLDER_SCANS=on to let its callers scan any folder that the workers can read.',
    );
  }
}

/** @throws ApiProblem `folder_scans_off`, `request_invalid` */
export function checkedFolder(deps: ApiDeps, path: string): Source {
  checkFolderScans(deps);
  if (!isNormal(path))
    throw invalid('folder', 'It must be an absolute path without "..", "." and doubled or trailing slashes.');
  return folderSource(path);
}

/** @throws ApiProblem `filter_invalid` */
export function checkedFilter(filter: string): string {
  try {
    parseFilter(filter);
    return filter;
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    throw new ApiProblem('filter_invalid', error.message, {
      cause: error,
      extra: { reason: error.code, column: error.column, token: error.token },
    });
  }
}

/** A folder of our own state, where workers of this host have one. A site's workers need one that was named. */
export function defaultQuarantine(
  deps: ApiDeps,
  source: Source,
  bound: ConnectorResource | undefined,
): string | undefined {
  if (bound !== undefined && (bound.kind !== 'filesystem' || bound.site !== undefined)) return undefined;
  return join(deps.settings.home, 'quarantine', source.id);
}

/** What lies below the quarantine is never scanned, so it must not hold the whole asset. */
function checkQuarantine({ quarantine, action }: ScanSettings, kind: string, asset: string | undefined): void {
  // A remote connector has a quarantine of its own.
  if (kind === 'remote') return;
  if (quarantine === undefined && (action === 'move' || action === 'movetag')) {
    throw invalid(
      'quarantine',
      `The action ${action} needs a quarantine; name one here or in the connector's settings.`,
    );
  }
  if (quarantine === undefined || kind !== 'filesystem') return;
  if (!isNormal(quarantine)) {
    throw invalid('quarantine', 'It must be an absolute path without "..", "." and doubled or trailing slashes.');
  }
  if (asset === undefined) return;
  if (asset === quarantine || asset.startsWith(quarantine === '/' ? '/' : `${quarantine}/`)) {
    throw invalid('quarantine', 'It must not be the scanned folder or one above it: nothing would be scanned.');
  }
}

function quietOf({ remote }: ApiDeps): { quietMs?: number } {
  return remote === undefined || remote.quietMs === QUIET_MS ? {} : { quietMs: remote.quietMs };
}

function isNormal(path: string): boolean {
  return isAbsolute(path) && !path.includes('\0') && resolve(path) === path;
}

function invalid(field: string, message: string): ApiProblem {
  return new ApiProblem('request_invalid', `body: ${field}: ${message}`, {
    extra: { in: 'body', errors: [{ field, message }] },
  });
}
