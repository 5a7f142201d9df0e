import type { Connector } from '../connectors/connector.ts';
import { ConnectorError } from '../connectors/errors.ts';
import type { ActionIntent, ActionRow } from '../domain/action.ts';
import { orderedBy, rowHead } from './action-row.ts';
import type { ApplyActionsInput } from './types.ts';

/**
 * What an intent would come to, as far as can be seen without touching the item: `planned` while the judged version is in place.
 * @throws ConnectorError when the storage can't be asked
 */
export async function tryOut(
  connector: Connector,
  intent: ActionIntent,
  input: ApplyActionsInput,
  signal: AbortSignal,
): Promise<ActionRow> {
  const facts = { by: orderedBy(input.settings, input.order), at: new Date().toISOString() };
  const { destination } = intent;
  try {
    const { version } = await connector.stat({ ...intent.item, version: intent.judged.version }, signal);
    if (version === intent.judged.version) {
      return { ...rowHead(intent), state: 'planned', ...(destination !== undefined && { destination }), ...facts };
    }
    const note = 'what is in place is not what was judged';
    return { ...rowHead(intent), state: 'refused', code: 'version_changed', note, ...facts };
  } catch (error) {
    if (!(error instanceof ConnectorError) || error.code !== 'not_found') throw error;
    return { ...rowHead(intent), state: 'failed', code: 'not_found', note: 'nothing is there any more', ...facts };
  }
}
