import type { Source } from '../domain/job.ts';
import type { ListSettings } from '../domain/preview.ts';
import type { ConnectorResource } from './contract.ts';
import { type ApiDeps, DEFAULT_SCANNER } from './deps.ts';
import { checkedFilter, checkedFolder, defaultQuarantine, findConnector } from './start-request.ts';

/** What is looked at: a connector of the configuration by its id, or a folder by its path. */
export type Named = { readonly connector: string } | { readonly folder: string };

/** A source and where it can be reached. */
export interface Place {
  readonly source: Source;
  readonly site?: string;
  readonly bound?: ConnectorResource;
}

/** @throws ApiProblem `connector_not_found`, `folder_scans_off`, `request_invalid` */
export function placeOf(deps: ApiDeps, named: Named): Place {
  if ('folder' in named) return { source: checkedFolder(deps, named.folder) };
  const bound = findConnector(deps, named.connector);
  const source: Source = { kind: 'connector', id: bound.id };
  return { source, bound, ...(bound.site !== undefined && { site: bound.site }) };
}

/** Where a scan of it would move items to, when it names nothing else. */
export function quarantineOf(deps: ApiDeps, source: Source, bound: ConnectorResource | undefined): string | undefined {
  return bound?.quarantine ?? defaultQuarantine(deps, source, bound);
}

/** What a scan's listing of a place would be asked with, were it started now. */
export interface ListRequest {
  readonly source: Source;
  readonly settings: ListSettings;
  readonly scannerMax?: number;
  readonly site?: string;
}

/** @throws ApiProblem as `placeOf`, and `filter_invalid` */
export function listRequest(
  deps: ApiDeps,
  named: Named,
  given: { readonly filter?: string | undefined; readonly maxSize?: number | undefined },
): ListRequest {
  const { source, site, bound } = placeOf(deps, named);
  const maxSize = given.maxSize ?? bound?.maxSize;
  const quarantine = quarantineOf(deps, source, bound);
  const judge = deps.scanners.find(({ name }) => name === (bound?.scanner ?? DEFAULT_SCANNER));
  return {
    source,
    settings: {
      filter: checkedFilter(given.filter ?? bound?.filter ?? ''),
      ...(maxSize !== undefined && { maxSize }),
      ...(quarantine !== undefined && { quarantine }),
    },
    ...(judge !== undefined && { scannerMax: judge.scanner.maxBytes }),
    ...(site !== undefined && { site }),
  };
}
