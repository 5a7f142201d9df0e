import { absolutePath } from '../fields.ts';
import type { Kind } from './kind.ts';

const MOUNT = 'name the path that the workers see as asset';
const WATCH = 'watching is set by the field watch (pull: files)';

/** Files below a folder of the worker's host. */
export const filesystem: Kind = {
  shape: { asset: absolutePath, quarantine: absolutePath.optional() },
  secrets: [],
  aliases: {},
  retired: {
    DSXCONNECTOR_ASSET_MOUNT: MOUNT,
    DSXCONNECTOR_ASSET_DISPLAY_NAME: MOUNT,
    DSXCONNECTOR_QUARANTINE_MOUNT: 'name the path that the workers see as quarantine',
    DSXCONNECTOR_QUARANTINE_HOST: 'name the path that the workers see as quarantine',
    DSXCONNECTOR_SCAN_BY_PATH: 'bytes are always streamed',
    DSXCONNECTOR_MONITOR: WATCH,
    DSXCONNECTOR_MONITOR_FORCE_POLLING: WATCH,
    DSXCONNECTOR_MONITOR_POLL_INTERVAL_MS: WATCH,
  },
  refine({ asset, quarantine }, refuse) {
    if (typeof asset !== 'string' || typeof quarantine !== 'string') return;
    if (asset !== quarantine && !asset.startsWith(quarantine === '/' ? '/' : `${quarantine}/`)) return;
    refuse('quarantine', 'must not be the asset or a folder above it: everything below it is left out of scans');
  },
  build: ({ asset, quarantine }) => ({
    kind: 'filesystem',
    asset: asset as string,
    ...(quarantine !== undefined && { quarantine: quarantine as string }),
  }),
};
