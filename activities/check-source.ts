import { Context } from '@temporalio/activity';
import type { CheckReport } from '../connectors/connector.ts';
import type { ItemAction } from '../domain/action.ts';
import { messageOf } from '../domain/errors.ts';
import type { Source } from '../domain/job.ts';
import type { WorkerDeps } from './deps.ts';

/** A connector's check, at its site. Never throws for what a storage can answer. */
export function createCheckSource(
  deps: WorkerDeps,
): (input: { source: Source; action: ItemAction }) => Promise<CheckReport> {
  return async ({ source, action }) => {
    try {
      const connector = await deps.connector(source, {});
      return await connector.check(action, Context.current().cancellationSignal);
    } catch (error) {
      return { ok: false, checks: [{ name: 'connector', ok: false, detail: messageOf(error) }] };
    }
  };
}
