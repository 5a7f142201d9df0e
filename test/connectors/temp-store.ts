import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Connector } from '../../connectors/connector.ts';
import { createFilesystemConnector } from '../../connectors/filesystem/connector.ts';
import type { Store } from './conformance.ts';

/** A folder to scan in a temporary place, with its quarantine outside, inside, or on another device. */
export interface TempStore extends Store {
  readonly base: string;
  readonly asset: string;
  readonly quarantine: string;
}

export type QuarantinePlace = 'outside' | 'inside' | 'other-device';

/** A folder on another device than the temporary one, undefined where the machine has none. */
export async function otherDevice(): Promise<string | undefined> {
  try {
    const [shm, tmp] = await Promise.all([fs.stat('/dev/shm'), fs.stat(os.tmpdir())]);
    return shm.dev === tmp.dev ? undefined : '/dev/shm';
  } catch {
    return undefined;
  }
}

export async function makeTempStore(where: QuarantinePlace = 'outside'): Promise<TempStore> {
  const base = await fs.realpath(await fs.mkdtemp(path.join(os.tmpdir(), 'dsx-fs-')));
  const asset = path.join(base, 'asset');
  await fs.mkdir(asset);
  const away =
    where === 'other-device' ? await fs.mkdtemp(path.join((await otherDevice()) ?? base, 'dsx-fs-')) : undefined;
  const quarantine = away ? path.join(away, 'q') : path.join(where === 'inside' ? asset : base, 'quarantine');
  const settings = { id: 'files', asset, quarantine };
  const connectors: Connector[] = [];
  const connector = createFilesystemConnector(settings);
  const pathOf = (location: Buffer) => Buffer.concat([Buffer.from(`${asset}/`), location]);
  const parentOf = (file: Buffer) => file.subarray(0, file.lastIndexOf(0x2f));
  let parts = 0;
  return {
    base,
    asset,
    quarantine,
    connector,
    async put(location, bytes) {
      const file = pathOf(location);
      await fs.mkdir(parentOf(file), { recursive: true });
      const part = path.join(base, `part-${parts++}`);
      await fs.writeFile(part, bytes);
      await fs.rename(part, file);
    },
    async overwrite(location, bytes) {
      const handle = await fs.open(pathOf(location), 'r+');
      await handle.truncate(0);
      await handle.writeFile(bytes);
      await handle.close();
    },
    async remove(location) {
      await fs.unlink(pathOf(location));
      // Somebody who empties a folder removes it too.
      for (let folder = parentOf(pathOf(location)); folder.length > asset.length; folder = parentOf(folder)) {
        if (
          !(await fs.rmdir(folder).then(
            () => true,
            () => false,
          ))
        )
          break;
      }
    },
    contents: () => contentsOf(asset, quarantine),
    async quarantined(destination) {
      return fs.readFile(path.join(quarantine, destination)).catch(() => undefined);
    },
    async occupy(destination, bytes) {
      await fs.mkdir(path.dirname(path.join(quarantine, destination)), { recursive: true });
      await fs.writeFile(path.join(quarantine, destination), bytes);
    },
    dying(change) {
      let left = change;
      const dead = Promise.withResolvers<void>();
      const beforeStep = async () => {
        if (left-- > 0) return;
        dead.resolve();
        await new Promise(() => {});
      };
      const mortal = createFilesystemConnector({ ...settings, beforeStep });
      connectors.push(mortal);
      return { connector: mortal, died: dead.promise };
    },
    async close() {
      for (const one of [connector, ...connectors]) await one.close();
      await fs.rm(base, { recursive: true, force: true });
      if (away) await fs.rm(away, { recursive: true, force: true });
    },
  };
}

/** Every regular file below a folder with its bytes, by location (latin1), another folder left out. */
export async function contentsOf(root: string, without?: string): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  const visit = async (folder: Buffer, prefix: string): Promise<void> => {
    for (const entry of await fs.readdir(folder, { encoding: 'buffer', withFileTypes: true })) {
      const full = Buffer.concat([folder, Buffer.from('/'), entry.name]);
      if (without !== undefined && full.equals(Buffer.from(without))) continue;
      const name = prefix + entry.name.toString('latin1');
      if (entry.isDirectory()) await visit(full, `${name}/`);
      else if (entry.isFile()) found.set(name, await fs.readFile(full));
    }
  };
  await visit(Buffer.from(root), '');
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}
