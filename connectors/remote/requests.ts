import type { ItemRef } from '../../domain/item.ts';
import type { Told } from '../../domain/remote.ts';
import { type ConnectorCode, ConnectorError } from '../errors.ts';
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

/** An item was asked for, and the answer holds no bytes. */
export class NotGiven extends ConnectorError {
  readonly status: number;

  constructor(code: ConnectorCode, message: string, status: number) {
    super(code, message);
    this.status = status;
  }

  /** Whether it is what a connector says of an item that is not there: former ones have JSON with status 200 for it. */
  get maybeGone(): boolean {
    return this.code === 'not_found' || this.status === 200;
  }
}

/**
 * What an answer that holds no bytes means, by its HTTP status alone: texts differ from connector to connector. An answer of JSON with status
 * 200 says that reading failed, not why.
 */
export function readFailure(id: string, location: string, status: number): NotGiven {
  const what = `remote connector ${id} does not give ${JSON.stringify(location)} (HTTP ${status})`;
  return new NotGiven(codeOf(status), what, status);
}

function codeOf(status: number): ConnectorCode {
  if (status === 404 || status === 410) return 'not_found';
  if (status === 401) return 'credentials';
  if (status === 403) return 'permission_denied';
  if (status === 429 || status === 503) return 'throttled';
  return 'storage_error';
}
