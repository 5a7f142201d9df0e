import { Context } from '@temporalio/activity';
import type { CheckReport } from '../connectors/connector.ts';
import { messageOf } from '../domain/errors.ts';
import { silent } from './asset.ts';
import { within } from './deadline.ts';
import type { WorkerDeps } from './deps.ts';
import type { CheckSourceInput } from './types.ts';

/** Below the time that the workflow gives a check, so that silence is told as what it is. Milliseconds. */
const CHECK_PATIENCE_MS = 45_000;

/** A connector's check, at its site. Never throws for what a storage can answer. */
export function createCheckSource(deps: WorkerDeps): (input: CheckSourceInput) => Promise<CheckReport> {
  return async ({ source, action, quarantine }) => {
    try {
      const connector = await deps.connector(source, { ...(quarantine !== undefined && { quarantine }) });
      const checked = connector.check(action, Context.current().cancellationSignal);
      return await within(CHECK_PATIENCE_MS, checked, () => silent(source.id, 'being checked', CHECK_PATIENCE_MS));
    } catch (error) {
      return { ok: false, checks: [{ name: 'connector', ok: false, detail: messageOf(error) }] };
    }
  };
}
