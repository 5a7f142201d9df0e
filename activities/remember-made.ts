import type { ActionReport } from '../connectors/connector.ts';
import type { ItemRef, Version } from '../domain/item.ts';
import type { VersionMemory } from '../status/version-memory.ts';
import type { ApplyActionsInput } from './types.ts';

/**
 * Remembers the version that an action of ours left in place, so that the storage's event about it is not taken for somebody's change. Never
 * rejects.
 * @param judged the version that was there before: where the action made no other one, somebody may bring the same back
 */
export async function rememberMade(
  memory: VersionMemory,
  { source, settings }: Pick<ApplyActionsInput, 'source' | 'settings'>,
  { location, locationBytes }: ItemRef,
  report: ActionReport,
  judged?: Version,
): Promise<void> {
  const version = report.state === 'done' ? report.made?.at(-1) : undefined;
  if (version === undefined || version === judged) return;
  const item = { location, ...(locationBytes !== undefined && { locationBytes }), version };
  await memory.made({ source: source.id, scanner: settings.scanner }, [item]);
}
