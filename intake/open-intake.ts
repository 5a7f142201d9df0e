import type { Client } from '@temporalio/client';
import { createIntake, type IntakeDeps, type OnAccessTarget } from './gatherer.ts';
import { createHandOver } from './hand-over.ts';
import type { Intake } from './intake.ts';
import { targetOf, type WatchedConnector } from './target.ts';

const DEFAULT_SCANNER = 'dsxa';

/** What of a process's configuration says how events are scanned. */
export interface IntakeConfig {
  readonly connectors: readonly WatchedConnector[];
  readonly scanners: Readonly<Record<string, { readonly name: string }>>;
  /** Folder of the state. */
  readonly home: string;
  readonly appEnv: string;
}

/** The intake of a process, by its configuration. */
export function openIntake(
  config: IntakeConfig,
  client: Client,
  { ledger, backlog }: Pick<IntakeDeps, 'ledger' | 'backlog'>,
): Intake {
  return createIntake({ ledger, backlog, handOver: createHandOver(client), target: createTargets(config) });
}

/**
 * How the events of each connector are scanned: as the configuration says when it is asked, since connectors may come and go. The answer
 * throws a RangeError for one that is not configured.
 */
export function createTargets(config: IntakeConfig): (id: string) => OnAccessTarget {
  const scanner = scannerOf(config);
  return (id) => {
    const found = config.connectors.find((connector) => connector.id === id);
    if (found === undefined) throw new RangeError(`no connector ${id} is configured`);
    return targetOf(found, found.watch?.scanner ?? scanner, config.home, found.watch?.shards ?? 1);
  };
}

/** The scanner that judges where none is named. */
export function scannerOf({ scanners, appEnv }: Pick<IntakeConfig, 'scanners' | 'appEnv'>): string {
  const names = Object.values(scanners).map(({ name }) => name);
  // A stand-in judges only where it is meant: as the one scanner of a development set-up.
  const only = appEnv === 'dev' && names.length === 1 ? names[0] : undefined;
  return names.includes(DEFAULT_SCANNER) ? DEFAULT_SCANNER : (only ?? DEFAULT_SCANNER);
}
