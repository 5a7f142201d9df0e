import { isLedgerError } from '../ledger/errors.ts';
import type { OrchestratorDeps } from './deps.ts';
import type { ReadMarks, ReadMarksInput } from './types.ts';

/** What the workflow must know of pages of events that came while it could take no more. @throws LedgerError */
export function createReadMarks({ ledger }: OrchestratorDeps): (input: ReadMarksInput) => Promise<ReadMarks> {
  return async ({ source, shard, refs }) =>
    await Promise.all(
      refs.map(async (ref) => {
        try {
          return (await ledger.intake.read({ source, shard }, ref)).map(({ mark }) => mark);
        } catch (error) {
          if (isLedgerError(error, 'not_found') || isLedgerError(error, 'corrupt')) return null;
          throw error;
        }
      }),
    );
}
