import type { Connector } from '../connectors/connector.ts';
import type { Hidden } from '../domain/hidden.ts';
import type { ScanSettings, Source } from '../domain/job.ts';
import type { OutcomeRow } from '../domain/outcome.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Sink } from '../results/sink.ts';
import type { Scanner } from '../scanner/scanner.ts';
import type { StatusStore } from '../status/status.ts';
import type { VersionMemory } from '../status/version-memory.ts';
import type { AllowedBytes } from './allowed.ts';
import type { LiveBoard } from './live.ts';

/** What the activities of a scan worker stand on. */
export interface WorkerDeps {
  readonly ledger: Ledger;
  /**
   * The connector of a source, bound with the job's settings: the same one while these are the same.
   * @param known the revision that it must have at least; `newest`: also what was changed a moment ago is looked up
   * @throws ConnectorError `configuration`; LedgerError
   */
  connector(source: Source, settings: Pick<ScanSettings, 'quarantine'>, known?: number | 'newest'): Promise<Connector>;
  /** Of a connector that was made through the API: its revision, as this worker knows it. */
  revisionOf?(source: Source): number | undefined;
  /** What opens the encrypted archives of a source, where its connector has a password. It goes to the scanner and nowhere else. */
  scanPassword(source: Source): Hidden | undefined;
  /** @throws ScannerError `scanner_config` when no scanner of this name is configured here */
  scanner(name: string): Scanner;
  /** Whether bytes are allowed by their hash. */
  readonly allowed: AllowedBytes;
  readonly live: LiveBoard;
  /** Versions that were judged clean lately, and those that our own actions made. */
  readonly memory: VersionMemory;
  /** Tells the status of findings, as well as it can. Never rejects. */
  announce(job: string, findings: readonly OutcomeRow[]): Promise<void>;
  /** Items of a full page, and bytes after which a page is closed all the same. */
  readonly pageItems: number;
  readonly pageBytes: number;
  /** A page waits so long in front of a scanner or storage that is gone. Milliseconds. */
  readonly patienceMs: number;
}

/** What the light activities stand on. */
export interface OrchestratorDeps {
  readonly ledger: Ledger;
  readonly status: StatusStore | undefined;
  /** Where results are sent, by id. Absent: nowhere. */
  readonly sinks?: ReadonlyMap<string, Sink>;
}
