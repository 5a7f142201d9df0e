import type { Logger } from 'pino';
import type { ApiConfig } from '../config/api.ts';
import type { ConnectorSettings } from '../config/connectors/connectors.ts';
import { connectorFrom, type DefinitionFault } from '../config/connectors/definition.ts';
import { madeSettings } from '../config/connectors/made.ts';
import { isSameStorage } from '../config/connectors/same-storage.ts';
import { missingSecrets } from '../config/connectors/secret-field.ts';
import { webhooksFor } from '../config/connectors/watch/webhook.ts';
import type { ConnectorDefinition, ConnectorEntry } from '../domain/connector-entry.ts';
import { MadeConnectors } from '../ledger/made-connectors.ts';
import type { LedgerDoor } from './ledger-door.ts';

/** The connectors that are made through the API, as its routes meet them. */
export interface MadeDoor {
  /** One that this process can use. */
  get(id: string): { readonly entry: ConnectorEntry } | undefined;
  /** The state of one, also of one that this process can't use, which is there to be mended or deleted; undefined where the file has its id. */
  entry(id: string): ConnectorEntry | undefined;
  /** Reads the book of them anew. @throws LedgerError */
  refresh(): Promise<void>;
  /** What keeps a definition, whole with its id and kind, from being taken; none when nothing does. */
  faultsOf(definition: ConnectorDefinition): readonly DefinitionFault[];
  /** Whether this definition, which has no faults, leads to another asset than the one that is there. */
  leadsElsewhere(id: string, definition: ConnectorDefinition): boolean;
  /** Whether only this machine itself is let in: addresses of definitions may then be of this machine. */
  readonly local: boolean;
}

/** Absolute paths of our own are not asked for: whoever may not scan folders may not make a connector of one. */
const FOLDERS_OFF = 'can not be filesystem here: DSXCONNECT_FOLDER_SCANS is off, so callers may not name folders';

export function createMadeDoor(
  config: Pick<ApiConfig, 'connectors' | 'definitionSecrets' | 'allowedAddresses' | 'loopback' | 'folderScans'>,
  ledger: Pick<LedgerDoor, 'open'>,
  log: Pick<Logger, 'warn'>,
): { readonly made: MadeConnectors<ConnectorSettings>; readonly door: MadeDoor } {
  const { loopback: local, allowedAddresses: allowed, definitionSecrets: secrets } = config;
  const say = (problem: string): void => log.warn(problem);
  const made = new MadeConnectors<ConnectorSettings>({
    book: async () => (await ledger.open()).connectors,
    read: (entry) => {
      const settings = madeSettings(entry, config, say);
      const missing = settings === undefined ? [] : unheard(settings);
      for (const { variable } of missing) say(`webhooks of ${entry.id} are not heard here: ${variable} is not set`);
      return settings;
    },
    say,
  });
  const door: MadeDoor = {
    local,
    get: (id) => made.get(id),
    entry: (id) => (config.connectors.some((one) => one.id === id) ? undefined : made.entry(id)),
    refresh: () => made.refresh(),
    faultsOf(definition) {
      if (definition.kind === 'filesystem' && !config.folderScans) return [{ field: 'kind', message: FOLDERS_OFF }];
      const read = connectorFrom(definition, { secrets, allowed, local });
      if ('faults' in read) return read.faults;
      return unheard(read.connector).map(({ field, variable }) => ({
        field: `watch.webhook.${field}`,
        message: `refers to ${variable}, which is not set where the API runs: set it there, and start the API again`,
      }));
    },
    leadsElsewhere(id, definition) {
      const there = made.get(id);
      const read = connectorFrom(definition, { secrets, allowed, local });
      if (there === undefined || 'faults' in read) return true;
      const { entry, settings } = there;
      return !isSameStorage({ definition: entry.definition, settings }, { definition, settings: read.connector });
    },
  };
  return { made, door };
}

/** Secrets of webhooks that this process, which hears them, was not given. */
export function unheard({ watch }: ConnectorSettings): { field: string; variable: string }[] {
  return missingSecrets(webhooksFor('api', watch?.webhook));
}
