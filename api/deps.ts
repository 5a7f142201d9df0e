import type { Logger } from 'pino';
import type { Intake } from '../intake/intake.ts';
import type { Webhooks } from '../intake/webhooks.ts';
import type { Scanner } from '../scanner/scanner.ts';
import type { StatusStore } from '../status/status.ts';
import type { ConnectorResource, ReadyCheck } from './contract.ts';
import type { JobControl } from './control.ts';
import type { LedgerDoor } from './ledger-door.ts';
import type { MadeDoor } from './made-door.ts';
import type { RemoteDeps } from './old/remote-deps.ts';

/** A scanner that jobs may name. */
export interface NamedScanner {
  readonly name: string;
  readonly standIn: boolean;
  /** False: its certificate is not looked at. */
  readonly verifyTls?: boolean;
  readonly scanner: Scanner;
}

export interface ApiSettings {
  readonly appEnv: 'dev' | 'stag' | 'prod';
  readonly version: string;
  /** True when the server listens on loopback alone. */
  readonly loopback: boolean;
  /** The bearer key; needed unless `loopback`. */
  readonly key: string | undefined;
  /** Requests that each key may send, each second in the long run; undefined: as many as it likes. Without a key there is no limit. */
  readonly requestsPerSecond?: number;
  /** Whether callers may scan folders that are no connector. */
  readonly folderScans: boolean;
  /** Names, in lower case, that sources of events call this server by. */
  readonly publicHosts?: readonly string[];
  /** Absolute folder of the state: quarantines of folder scans lie below it. */
  readonly home: string;
  readonly temporal: { readonly namespace: string; readonly uiUrl?: string };
  readonly connectors: readonly ConnectorResource[];
  /** The settings as `GET config` tells them, without secrets. */
  readonly shown?: Readonly<Record<string, unknown>>;
  /** When this version was made, ISO 8601. */
  readonly builtAt?: string;
}

/** All that the API needs of the outside. */
export interface ApiDeps {
  readonly settings: ApiSettings;
  readonly control: JobControl;
  /** Undefined without Redis. */
  readonly status: StatusStore | undefined;
  readonly ledger: LedgerDoor;
  readonly webhooks: Webhooks;
  /** Takes the events that storages send. */
  readonly intake: Intake;
  /** Connectors that are made through this API. Absent: there are none but those of the configuration. */
  readonly made?: MadeDoor;
  /** Connectors that register by themselves. Absent: there are none. */
  readonly remote?: RemoteDeps;
  readonly scanners: readonly NamedScanner[];
  /** How the sending of results stands. Absent without sinks. */
  readonly results?: (() => Promise<ReadyCheck>) | undefined;
  readonly log: Logger;
  /** Fires when the server stops: event streams end. */
  readonly stopping: AbortSignal;
}

export const DEFAULT_SCANNER = 'dsxa';
