import { Context } from '@temporalio/activity';
import { LedgerError } from '../ledger/errors.ts';
import type { ObjectRef } from '../ledger/types.ts';
import { silent } from './asset.ts';
import { within } from './deadline.ts';
import type { WorkerDeps } from './deps.ts';
import { written } from './storage-answer.ts';
import type { ListAssetsInput } from './types.ts';

/** Below the time that the workflow gives it, so that silence is told as what it is. Milliseconds. */
const PATIENCE_MS = 20_000;

/** What could be scanned with a connector's credentials, as an answer in the ledger. `after` is the answer before. @throws LedgerError */
export function createListAssets(deps: WorkerDeps): (input: ListAssetsInput) => Promise<ObjectRef> {
  return async ({ source, limit, after }) =>
    written(deps, { kind: 'assets', source: source.id }, async () => {
      const before = after === undefined ? undefined : (await deps.ledger.answers.read(after)).facts;
      if (before !== undefined && typeof before.next !== 'string') {
        throw new LedgerError('invalid', after?.name ?? '', 'Nothing comes after this page of assets.');
      }
      const connector = await deps.connector(source, {});
      const query = { limit, ...(before !== undefined && { after: before.next as string }) };
      const found = connector.assets(query, Context.current().cancellationSignal);
      const { assets, next } = await within(PATIENCE_MS, found, () =>
        silent(source.id, 'listing its assets', PATIENCE_MS),
      );
      return { facts: { ...(next !== undefined && { next }) }, lines: assets };
    });
}
