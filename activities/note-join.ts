import type { OrchestratorDeps } from './deps.ts';
import type { BoundKey, NoteJoinInput } from './types.ts';

/**
 * Writes down that an idempotency key joined another's job, so that it stands for that one for good. A key that stands for a job already
 * (it was bound between the API's look and the start) goes on to stand for that one, and nothing is written. The jobs that a key can stand
 * for share a workflow id, so nobody else binds it at the same time.
 * @throws LedgerError
 */
export function createNoteJoin(deps: OrchestratorDeps): (input: NoteJoinInput) => Promise<BoundKey> {
  return async ({ job, joined, bodyHash }) => {
    const ledger = deps.ledger.job(job);
    const header = await ledger.header();
    if (header !== undefined) return { job, bodyHash: header.bodyHash ?? '', repeated: true };
    const before = (await ledger.readJoin())?.join;
    if (before !== undefined) return { job: before.joined, bodyHash: before.bodyHash, repeated: true };
    await ledger.writeJoin({ format: 1, job, joined, bodyHash });
    return { job: joined, bodyHash, repeated: false };
  };
}
