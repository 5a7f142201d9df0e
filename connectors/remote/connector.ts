import { createHash } from 'node:crypto';
import { ITEM_ACTIONS } from '../../domain/action.ts';
import type { Item, ItemRef } from '../../domain/item.ts';
import type { Connector } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import { act } from './act.ts';
import { createOpener } from './open-item.ts';
import { createRemoteService } from './service.ts';
import type { RemoteSettings } from './settings.ts';
import { toldBy } from './version.ts';

/** A connector that is an HTTP service of its own. It lists by itself and pushes what it lists; nothing here can ask it for a listing. */
export interface RemoteConnector extends Connector {
  /**
   * Asks it to list everything and to push it under the name of this job.
   * @returns false when nobody knows whether it began: the request was sent, and no answer came
   * @throws ConnectorError when it did not begin
   */
  askScan(job: string, signal: AbortSignal): Promise<boolean>;
}

/** @throws ConnectorError `configuration` for an address that may not be asked */
export async function createRemoteConnector(settings: RemoteSettings): Promise<RemoteConnector> {
  const service = createRemoteService(settings);
  const opener = createOpener(settings, service);
  const { id, model } = settings;
  const who = `remote connector ${model.name} (${id})`;

  /** @throws ConnectorError unless it answers with success */
  async function succeed(what: string, target: string, method: 'GET' | 'POST', signal: AbortSignal): Promise<void> {
    const { status, json } = await service.askJson(method, target, undefined, signal);
    if (status === 401 || status === 403) {
      throw new ConnectorError('credentials', `${who} refuses to ${what} (HTTP ${status})`);
    }
    if (status === 503) throw new ConnectorError('unreachable', `${who} is not ready to ${what}`);
    if (status !== 200 && status !== 202) {
      throw new ConnectorError('configuration', `${who} can not ${what} (HTTP ${status})`);
    }
    if (json?.status !== 'success') throw new ConnectorError('configuration', `${who} reports that it can not ${what}`);
  }

  const connector: RemoteConnector = {
    id,
    kind: 'remote',
    capabilities: { ordered: false, actions: ITEM_ACTIONS, conditional: 'checked', restore: false },
    async fingerprint(signal) {
      const { status } = await service.askJson('GET', 'healthz', undefined, signal);
      if (status !== 200)
        throw new ConnectorError('unreachable', `${who} does not answer as it should (HTTP ${status})`);
      return `remote:${id}:${createHash('sha256').update(model.asset).digest('hex').slice(0, 16)}`;
    },
    async check(_action, signal) {
      try {
        await succeed('read its repository', 'repo_check', 'GET', signal);
        return { ok: true, checks: [{ name: 'repository', ok: true, detail: 'the connector reaches its repository' }] };
      } catch (error) {
        if (!(error instanceof ConnectorError) || error.code !== 'configuration') throw error;
        return { ok: false, checks: [{ name: 'repository', ok: false, detail: error.message }] };
      }
    },
    list() {
      throw new ConnectorError(
        'configuration',
        `${who} lists by itself and pushes what it finds: ask it for a full scan`,
      );
    },
    async assets() {
      return {
        assets: [{ asset: model.asset, ...(model.asset_display_name && { detail: model.asset_display_name }) }],
      };
    },
    async stat(ref: ItemRef & Partial<Pick<Item, 'version'>>) {
      const told = toldBy(ref.version);
      const { location, locationBytes, version } = ref;
      return {
        location,
        ...(locationBytes !== undefined && { locationBytes }),
        ...(told !== undefined && version !== undefined && { version }),
        ...(told?.size !== undefined && { size: told.size }),
      };
    },
    open: (ref, signal) => opener.open(ref, signal),
    act: (intent, signal) => act(settings, { service, opener }, intent, signal),
    async restore() {
      return { state: 'failed', code: 'not_supported', note: 'a remote connector can not put items back' };
    },
    async askScan(job, signal) {
      try {
        await succeed('scan', `full_scan?job_id=${encodeURIComponent(job)}&batch=true&batch_size=100`, 'POST', signal);
        return true;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof ConnectorError) || error.code !== 'unreachable') throw error;
        // It is there, and may have begun: asked again it would list everything twice.
        await connector.fingerprint(signal);
        return false;
      }
    },
    close: () => service.close(),
  };
  return connector;
}
