import type { ItemRef } from '../../domain/item.ts';
import type { Told } from '../../domain/remote.ts';
import { ConnectorError } from '../errors.ts';
import type { RemoteSettings } from './settings.ts';

/** What is done to an item, as the protocol has it. */
export interface RequestedAction {
  readonly type: string;
  readonly destination?: { readonly path: string };
  readonly tags?: Readonly<Record<string, string>>;
}

/** The whole of a scan request, as the protocol wants it back with every question about an item. @throws ConnectorError `not_an_item` */
export function scanRequest(
  { id, model }: RemoteSettings,
  item: ItemRef,
  { name, size }: Told,
  action?: RequestedAction,
): Readonly<Record<string, unknown>> {
  if (item.locationBytes !== undefined) {
    throw new ConnectorError('not_an_item', `remote connector ${id}: a location that is not UTF-8 can't be asked for`);
  }
  return {
    connector: { ...model, uuid: id, status: 'ready' },
    location: item.location,
    metainfo: name,
    connector_url: model.url,
    requested_action: action ?? null,
    size_in_bytes: size ?? null,
    scan_job_id: null,
    job_item_id: null,
  };
}

/**
 * What an answer that holds no bytes means, by its HTTP status alone: texts differ from connector to connector. An answer of JSON with status
 * 200 says that reading failed, not why.
 */
export function readFailure(id: string, location: string, status: number): ConnectorError {
  const what = `remote connector ${id} does not give ${JSON.stringify(location)} (HTTP ${status})`;
  if (status === 404 || status === 410) return new ConnectorError('not_found', what);
  if (status === 401) return new ConnectorError('credentials', what);
  if (status === 403) return new ConnectorError('permission_denied', what);
  if (status === 429 || status === 503) return new ConnectorError('throttled', what);
  return new ConnectorError('storage_error', what);
}
