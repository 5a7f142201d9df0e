import { ConnectorError } from '../connectors/errors.ts';
import type { Answer } from '../ledger/answers.ts';
import type { ObjectRef } from '../ledger/types.ts';
import type { WorkerDeps } from './deps.ts';

/**
 * Writes what a storage answered into the ledger, or, as `failed` with code and message, why it did not: messages may hold names too.
 * @throws LedgerError
 */
export async function written(
  { ledger }: Pick<WorkerDeps, 'ledger'>,
  facts: Answer['facts'],
  ask: () => Promise<Answer>,
): Promise<ObjectRef> {
  try {
    const answer = await ask();
    return await ledger.answers.write({ facts: { ...facts, ...answer.facts }, lines: answer.lines });
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    const failed = { code: error.code, message: error.message };
    return await ledger.answers.write({ facts: { ...facts, failed }, lines: [] });
  }
}
