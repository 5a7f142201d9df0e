import { rowsOf } from '../../domain/outcome.ts';
import type { JobLedger } from '../../ledger/ledger.ts';
import { verifyJob } from '../../ledger/verify.ts';
import type { JobResult } from '../../workflows/scan-job/state.ts';
import { numberInCorpus } from './corpus.ts';

/**
 * Holds the account of a scan of a corpus against the corpus: each file listed once and judged clean in one row, the sums equal
 * to the rows, and the ledger proven by its root hash.
 * @returns what is wrong, in words; nothing when the account is exact
 */
export async function proveAccount(
  ledger: JobLedger,
  result: JobResult,
  files: number,
  perFolder: number,
): Promise<string[]> {
  const wrong: string[] = [];
  const expect = (what: string, found: unknown, wanted: unknown) => {
    if (found !== wanted) wrong.push(`${what}: ${found}, not ${wanted}`);
  };
  expect('state', result.state, 'completed');
  expect('listed', result.listed, files);
  expect('rows by the counters', rowsOf(result.counters), files);
  expect('clean', result.counters.outcomes.clean, files);
  const report = await verifyJob(ledger, { root: result.root });
  expect('authentic by the root hash', report.authentic, true);
  expect('rows by the verification', report.checked.rows, files);
  expect('stray objects', report.strays.count, 0);
  for (const { code, object, message } of report.problems.slice(0, 5)) wrong.push(`${code} ${object}: ${message}`);
  expect('files with a row of their own', await filesWithRow(ledger, files, perFolder), files);
  return wrong;
}

/** Counts the files that a row names; one that two rows name, or that is none of the corpus, counts for nothing. */
async function filesWithRow(ledger: JobLedger, files: number, perFolder: number): Promise<number> {
  const seen = new Uint8Array(files);
  let once = 0;
  for await (const { body } of ledger.commits()) {
    for (const page of body.pages) {
      for (const row of await ledger.readSegment(page.segment)) {
        const number = numberInCorpus(row.location, perFolder);
        const before = seen[number];
        if (before === undefined) continue;
        seen[number] = Math.min(before + 1, 2);
        if (before < 2) once += before === 0 ? 1 : -1;
      }
    }
  }
  return once;
}
