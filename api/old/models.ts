import { z } from 'zod';
import type { Source } from '../../domain/job.ts';
import type { ConnectorResource } from '../contract.ts';
import { connectorUuid } from './identity.ts';

/** A connector as the former product told of it. */
export const connectorModel = z.object({
  name: z.string(),
  display_name: z.string().nullable(),
  display_icon: z.string().nullable(),
  uuid: z.string(),
  meta_info: z.string().nullable(),
  url: z.string(),
  status: z.enum(['ready', 'starting', 'stopped', 'failed']),
  item_action: z.enum(['not implemented', 'nothing', 'delete', 'move', 'tag', 'movetag']),
  item_action_move_metainfo: z.string(),
  asset: z.string(),
  asset_display_name: z.string().nullable(),
  filter: z.string(),
  last_repo_check_ts: z.number().nullable(),
  last_repo_check_reason: z.string().nullable(),
  last_repo_check_message: z.string().nullable(),
  // New.
  kind: z.string(),
  managed: z.boolean(),
});
export type ConnectorModel = z.output<typeof connectorModel>;

/** A connector of the configuration. It has no address: its workers open the storage themselves. */
export function modelOf({ id, kind, asset, filter, action, quarantine }: ConnectorResource): ConnectorModel {
  return {
    name: id,
    display_name: id,
    display_icon: null,
    uuid: connectorUuid(id),
    meta_info: kind,
    url: '',
    status: 'ready',
    item_action: action,
    item_action_move_metainfo: quarantine ?? '',
    asset,
    asset_display_name: asset,
    filter,
    last_repo_check_ts: null,
    last_repo_check_reason: null,
    last_repo_check_message: null,
    kind,
    managed: true,
  };
}

/** The storage that a job scanned, as a connector: also a folder, and a connector that is no longer configured. */
export function modelOfSource(source: Source, connectors: readonly ConnectorResource[]): ConnectorModel {
  const known = connectors.find(({ id }) => source.kind === 'connector' && id === source.id);
  if (known !== undefined) return modelOf(known);
  const asset = source.kind === 'folder' ? source.path : '';
  const gone = { id: source.id, kind: source.kind, asset, filter: '', action: 'nothing', dryRun: false } as const;
  return { ...modelOf(gone), status: source.kind === 'folder' ? 'ready' : 'stopped', managed: false };
}
