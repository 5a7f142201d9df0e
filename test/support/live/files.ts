import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { LiveSource } from './live.ts';

/** A folder below another one, told of by the system. */
export function liveFiles(base: string): LiveSource {
  const asset = path.join(base, 'inbox');
  const quarantine = path.join(base, 'quarantine');
  mkdirSync(asset, { recursive: true });
  const files = (folder: string): string[] => {
    try {
      const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
      return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => path.join(parentPath, name));
    } catch {
      return [];
    }
  };
  return {
    connector: {
      id: 'files',
      kind: 'filesystem',
      asset,
      quarantine,
      action: 'move',
      watch: { pull: { files: { settle: '1s' } } },
    },
    tellsOfQuarantine: false,
    put: async (location, bytes) => {
      const at = path.join(asset, location);
      mkdirSync(path.dirname(at), { recursive: true });
      // Written beside, and renamed into place.
      const beside = path.join(base, `${location.replaceAll('/', '_')}.part`);
      writeFileSync(beside, bytes);
      renameSync(beside, at);
    },
    locations: async () => files(asset).map((file) => path.relative(asset, file)),
    quarantined: async () =>
      files(quarantine)
        .filter((file) => !file.endsWith('.json'))
        .map((file) => readFileSync(file, 'utf8')),
    close: async () => undefined,
  };
}
