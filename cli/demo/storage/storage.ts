/** Storages that the demo can start here: each a real server or an emulator, which is no cloud. */
export const DEMO_STORAGES = ['s3', 'azure', 'gcs', 'sharepoint'] as const;
export type DemoStorageName = (typeof DEMO_STORAGES)[number];

/** SHA-256 (hex) by name. */
export type Contents = ReadonlyMap<string, string>;

/** A storage of a demo, empty at first. Everything here goes past the product. */
export interface DemoStorage {
  /** For people: what was started. */
  readonly title: string;
  /** The connector's fields in dsx-connect.yaml, but for `id` and `action`; secrets as `${NAME}`. */
  readonly connector: Readonly<Record<string, unknown>>;
  /** What the connector's workers are given. */
  readonly env: Readonly<Record<string, string>>;
  /** False for a location that this server can't hold. */
  holds(location: string): boolean;
  put(location: string, bytes: Buffer): Promise<void>;
  /** By location within the asset, quarantine apart; and what quarantine holds, by its name there (marks of deletions apart). */
  contents(): Promise<{ readonly items: Contents; readonly quarantine: Contents }>;
  stop(): Promise<void>;
}

/** Starts a storage of this kind, installing its server first where it is missing. @throws Error with what the server said */
export async function startStorage(name: DemoStorageName): Promise<DemoStorage> {
  switch (name) {
    case 's3':
      return (await import('./s3.ts')).startS3Storage();
    case 'azure':
      return (await import('./azure.ts')).startAzureStorage();
    case 'gcs':
      return (await import('./gcs.ts')).startGcsStorage();
    case 'sharepoint':
      return (await import('./sharepoint.ts')).startSharepointStorage();
  }
}

/** Where the demo's quarantine lies within the asset. */
export const DEMO_QUARANTINE = 'dsxconnect-quarantine';

/** Splits what lies in a bucket into items and quarantine. @param objects SHA-256 by key */
export function apart(objects: Contents): { items: Contents; quarantine: Contents } {
  const items = new Map<string, string>();
  const quarantine = new Map<string, string>();
  for (const [key, hash] of objects) {
    if (!key.startsWith(`${DEMO_QUARANTINE}/`)) items.set(key, hash);
    else if (!key.startsWith(`${DEMO_QUARANTINE}/.`)) quarantine.set(key.slice(DEMO_QUARANTINE.length + 1), hash);
  }
  return { items, quarantine };
}

/** How the configuration file names a variable. */
export function reference(variable: string): string {
  return `\${${variable}}`;
}
