import { createHash } from 'node:crypto';
import type { Hidden } from '../domain/hidden.ts';
import type { AwsS3Settings } from './aws-s3/settings.ts';
import type { AzureBlobSettings } from './azure-blob/settings.ts';
import type { Connector } from './connector.ts';
import { ConnectorError } from './errors.ts';
import type { FilesystemSettings } from './filesystem/place.ts';
import type { GcsSettings } from './google-cloud-storage/settings.ts';
import type { OnedriveSettings, SharepointSettings } from './graph/settings.ts';
import type { RemoteSettings } from './remote/settings.ts';

/** Settings of one connector: its kind, and what that kind needs. */
export type ConnectorSettings =
  | ({ readonly kind: 'filesystem' } & FilesystemSettings)
  | ({ readonly kind: 'aws_s3' } & AwsS3Settings)
  | ({ readonly kind: 'azure_blob_storage' } & AzureBlobSettings)
  | ({ readonly kind: 'google_cloud_storage' } & GcsSettings)
  | ({ readonly kind: 'sharepoint' } & SharepointSettings)
  | ({ readonly kind: 'onedrive' } & OnedriveSettings)
  | ({ readonly kind: 'remote' } & RemoteSettings);

/** How a connector of each kind is made. A kind is loaded when the first connector of it is asked for. */
export type Kinds = {
  readonly [K in ConnectorSettings['kind']]: (settings: Extract<ConnectorSettings, { kind: K }>) => Promise<Connector>;
};

const KINDS: Kinds = {
  filesystem: async (settings) => (await import('./filesystem/connector.ts')).createFilesystemConnector(settings),
  aws_s3: async (settings) => (await import('./aws-s3/connector.ts')).createAwsS3Connector(settings),
  azure_blob_storage: async (settings) =>
    (await import('./azure-blob/connector.ts')).createAzureBlobConnector(settings),
  google_cloud_storage: async (settings) =>
    (await import('./google-cloud-storage/connector.ts')).createGcsConnector(settings),
  sharepoint: async (settings) => (await import('./graph/connector.ts')).createGraphConnector(settings),
  onedrive: async (settings) => (await import('./graph/connector.ts')).createGraphConnector(settings),
  remote: async (settings) => (await import('./remote/connector.ts')).createRemoteConnector(settings),
};

/** The connectors of a process. */
export interface Connectors {
  /**
   * The connector with these settings: the same one for equal settings, so that pages share what it keeps open.
   * @throws ConnectorError `configuration` for a kind that there is not
   */
  get(settings: ConnectorSettings): Promise<Connector>;
  /** Closes them all. One that is asked for afterwards is made anew. */
  close(): Promise<void>;
}

export function createConnectors(kinds: Partial<Kinds> = KINDS): Connectors {
  const made = new Map<string, Promise<Connector>>();
  return {
    get(settings) {
      const key = keyOf(settings);
      const known = made.get(key);
      if (known) return known;
      const connector = make(kinds, settings);
      made.set(key, connector);
      // What could not be made is tried again the next time.
      connector.catch(() => made.delete(key));
      return connector;
    },
    async close() {
      const all = [...made.values()];
      made.clear();
      await Promise.allSettled(all.map(async (connector) => (await connector).close()));
    },
  };
}

async function make(kinds: Partial<Kinds>, settings: ConnectorSettings): Promise<Connector> {
  // The kind of the settings is the kind that is looked up, which types can't follow through a union.
  const kind = kinds[settings.kind] as ((given: ConnectorSettings) => Promise<Connector>) | undefined;
  if (kind !== undefined && Object.hasOwn(kinds, settings.kind)) return kind(settings);
  const known = Object.keys(kinds).join(', ');
  throw new ConnectorError(
    'configuration',
    `connector ${settings.id}: there is no kind ${settings.kind}; use one of ${known}`,
  );
}

/** Text that equal settings share, and no others: secrets, which show themselves to nobody, count by their hash. */
function keyOf(settings: ConnectorSettings): string {
  return JSON.stringify(settings, function (this: Readonly<Record<string, unknown>>, name, shown: unknown) {
    const value = this[name];
    return isHidden(value) ? marked(value) : sorted(shown);
  });
}

function isHidden(value: unknown): value is Hidden {
  return typeof (value as Partial<Hidden> | null | undefined)?.reveal === 'function';
}

function marked(secret: Hidden): string {
  try {
    return createHash('sha256').update(secret.reveal()).digest('hex');
  } catch {
    // It was not given here; it names itself.
    return String(secret);
  }
}

/** Objects with their fields in order, so that equal settings have equal text. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
