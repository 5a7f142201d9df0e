import type { ItemAction } from './action.ts';
import { RESCAN_AFTER } from './incremental.ts';
import { ACTIONS_WINDOW, type ScanSettings } from './job.ts';

/** What a start may choose; what is absent or undefined is the connector's. */
export type AskedSettings = {
  readonly [Name in keyof Omit<ScanSettings, 'scanner' | 'incremental'>]?: ScanSettings[Name] | undefined;
} & { readonly incremental?: boolean | undefined };

/** What a connector's configuration says. */
export interface ConnectorDefaults {
  readonly filter: string;
  readonly action: ItemAction;
  readonly quarantine?: string;
  readonly dryRun?: boolean;
  readonly maxSize?: number;
  readonly maxActions?: number;
  readonly maxActionsWindow?: number;
}

/**
 * The settings that a scan has: what was asked for, else the connector's, else the product's. Two starts join only when these are
 * equal, so they are made here alone.
 * @param quarantine where moved items go when nobody says so
 */
export function effectiveSettings(
  asked: AskedSettings,
  bound: ConnectorDefaults | undefined,
  scanner: string,
  quarantine: string | undefined,
): ScanSettings {
  const moved = asked.quarantine ?? bound?.quarantine ?? quarantine;
  const maxSize = asked.maxSize ?? bound?.maxSize;
  const maxActions = asked.maxActions ?? bound?.maxActions;
  const maxActionsWindow = asked.maxActionsWindow ?? bound?.maxActionsWindow ?? ACTIONS_WINDOW;
  return {
    filter: asked.filter ?? bound?.filter ?? '',
    action: asked.action ?? bound?.action ?? 'nothing',
    ...(moved !== undefined && { quarantine: moved }),
    dryRun: asked.dryRun ?? bound?.dryRun ?? false,
    ...(maxSize !== undefined && { maxSize }),
    scanner,
    ...(maxActions !== undefined && { maxActions, maxActionsWindow }),
    ...(asked.incremental === true && { incremental: true, rescanAfter: asked.rescanAfter ?? RESCAN_AFTER }),
  };
}
