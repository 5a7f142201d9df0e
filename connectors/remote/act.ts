import { createHash } from 'node:crypto';
import type { ActionCode, ActionIntent } from '../../domain/action.ts';
import type { Item, ItemRef } from '../../domain/item.ts';
import type { ActionReport } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import type { Opener } from './open-item.ts';
import { NotGiven, type RequestedAction, scanRequest } from './requests.ts';
import type { RemoteService } from './service.ts';
import type { RemoteSettings } from './settings.ts';
import { toldBy } from './version.ts';

/** What lies at a location now: its bytes by their hash, or why there are none. */
type Seen =
  | { readonly item: Item; readonly sha256: string }
  | { readonly code: ActionCode; readonly note: string; readonly maybeGone: boolean };

/**
 * Has the connector act on an item. It knows no versions, so the item is read before, and must have the bytes that were judged; and after
 * a delete or a move it is read again, and must not be there. Between reading and acting lies a moment in which it may change: that
 * can't be closed from here.
 */
export async function act(
  settings: RemoteSettings,
  { service, opener }: { readonly service: RemoteService; readonly opener: Opener },
  intent: ActionIntent,
  signal: AbortSignal,
): Promise<ActionReport> {
  const { item, judged, provenance, action } = intent;
  const told = toldBy(judged.version) ?? { name: item.location };
  const ref = { ...item, version: judged.version };
  const before = await look(opener, ref, signal);
  if ('code' in before) {
    const lost = 'gone before the action; an earlier attempt may have removed it, which this connector can not tell';
    const note = before.code === 'not_found' ? lost : before.note;
    return { state: 'failed', code: before.code, note };
  }
  if (before.sha256 !== provenance.sha256) {
    const note = 'the bytes in place are not those that were judged';
    return { state: 'refused', code: 'version_changed', note, current: before.item };
  }
  const requested: RequestedAction = {
    type: action,
    ...(settings.quarantine !== undefined && takesAway(action) && { destination: { path: settings.quarantine } }),
  };
  const { status, json } = await service.askJson(
    'PUT',
    'item_action',
    scanRequest(settings, item, told, requested),
    signal,
  );
  const refusal = refusalOf(status, json, action);
  if (refusal !== undefined) return refusal;
  if (action === 'tag') return { state: 'done', code: 'applied' };
  return await afterwards(opener, intent, ref, settings.quarantine, signal);
}

/** Why an answer does not say that the action was carried out; undefined when it does. */
function refusalOf(
  status: number,
  json: Readonly<Record<string, unknown>> | undefined,
  action: string,
): ActionReport | undefined {
  if (status === 401 || status === 403) {
    return { state: 'failed', code: 'permission_denied', note: `the connector refused the request (HTTP ${status})` };
  }
  if (status === 501) return unsupported();
  if (status < 200 || status > 299) {
    return { state: 'failed', code: 'storage_error', note: `the connector answered HTTP ${status}` };
  }
  const { status: word, item_action: done } = json ?? {};
  if (done === 'not implemented' || word === 'nothing' || done === 'nothing') return unsupported();
  if (word !== 'success') {
    return { state: 'failed', code: 'storage_error', note: 'the connector reports that the action failed' };
  }
  if (typeof done === 'string' && done !== action) {
    return { state: 'failed', code: 'storage_error', note: `the connector reports another action than ${action}` };
  }
  return undefined;
}

function unsupported(): ActionReport {
  return { state: 'failed', code: 'not_supported', note: 'the connector does not carry out this action' };
}

/** An item that was to be taken away is looked for once more. */
async function afterwards(
  opener: Opener,
  { provenance }: ActionIntent,
  ref: ItemRef & Pick<Item, 'version'>,
  quarantine: string | undefined,
  signal: AbortSignal,
): Promise<ActionReport> {
  const destination = quarantine === undefined ? {} : { destination: quarantine };
  const after = await look(opener, ref, signal);
  if ('code' in after) {
    if (after.maybeGone) return { state: 'done', code: 'applied', ...destination };
    const note = `the connector reports success; whether the item is gone can not be seen: ${after.note}`;
    return { state: 'failed', code: 'storage_error', note };
  }
  if (after.sha256 === provenance.sha256) {
    return {
      state: 'failed',
      code: 'storage_error',
      note: 'the connector reports success, and the item is still there',
    };
  }
  const note = 'another item lies at this location now';
  return { state: 'done', code: 'applied', note, current: after.item, ...destination };
}

function takesAway(action: string): boolean {
  return action === 'move' || action === 'movetag';
}

async function look(opener: Opener, ref: ItemRef & Pick<Item, 'version'>, signal: AbortSignal): Promise<Seen> {
  // Once more, as when it is scanned: a pushed size that is wrong shows only at the end.
  for (let attempt = 1; ; attempt++) {
    try {
      return await hashed(opener, ref, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ConnectorError)) throw error;
      if (error.code === 'changed' && attempt === 1) continue;
      // What may mend itself is tried again by whoever asked.
      if (error.code === 'unreachable' || error.code === 'throttled') throw error;
      const known = error.code === 'not_found' || error.code === 'permission_denied' ? error.code : 'storage_error';
      const status = error instanceof NotGiven ? ` (HTTP ${error.status})` : '';
      return {
        code: known,
        note: `the item could not be read${status}`,
        maybeGone: error instanceof NotGiven && error.maybeGone,
      };
    }
  }
}

async function hashed(opener: Opener, ref: ItemRef & Pick<Item, 'version'>, signal: AbortSignal): Promise<Seen> {
  const open = await opener.open(ref, signal);
  try {
    const hash = createHash('sha256');
    for await (const chunk of open.read(signal)) hash.update(chunk);
    await open.confirm();
    const { location } = ref;
    return { item: { location, version: open.version, size: open.size }, sha256: hash.digest('hex') };
  } finally {
    await open.close();
  }
}
