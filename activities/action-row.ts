import type { ActionIntent, ActionRow } from '../domain/action.ts';
import type { Order } from '../domain/approval.ts';
import type { ScanSettings } from '../domain/job.ts';

/** `page:ordinal` of the finding's outcome row, in the job that found it. */
export function itemOf(intent: ActionIntent): string {
  return intent.finding.slice(intent.finding.indexOf('/') + 1);
}

/** The part of an action row that comes from the intent. */
export function rowHead(intent: ActionIntent): Pick<ActionRow, Head> {
  const { sha256, threatType, verdict } = intent.provenance;
  return {
    finding: intent.finding,
    item: itemOf(intent),
    ...intent.item,
    action: intent.action,
    version: intent.judged.version,
    sha256,
    threat: threatType ?? verdict,
  };
}

/** The part of a restore's row that comes from the row whose action is undone. */
export function restoredHead(row: ActionRow): Pick<ActionRow, Head> {
  const { finding, item, location, locationBytes, version, sha256, threat } = row;
  return {
    finding,
    item,
    location,
    ...(locationBytes !== undefined && { locationBytes }),
    action: 'restore',
    version,
    ...(sha256 !== undefined && { sha256 }),
    ...(threat !== undefined && { threat }),
  };
}

type Head = 'finding' | 'item' | 'location' | 'locationBytes' | 'action' | 'version' | 'sha256' | 'threat';

/** The rule or the person that ordered an action, for its row. */
export function orderedBy(settings: Pick<ScanSettings, 'action' | 'dryRun'>, order: Order | undefined): string {
  const run = settings.dryRun ? 'dry run of ' : '';
  if (order === undefined) return settings.dryRun ? `${run}${settings.action}` : `action ${settings.action}`;
  if (order.why === 'planned') return `${run}plan of ${order.job}, ordered by ${order.by} at ${order.at}`;
  if (order.why === 'restore') return `restore of ${order.job}, ordered by ${order.by} at ${order.at}`;
  return `${order.why} by ${order.by} at ${order.at}`;
}
