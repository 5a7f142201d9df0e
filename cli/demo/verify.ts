import type { JobResource } from '../../api/contract.ts';
import { openLedger } from '../../ledger/ledger.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { rootOf } from '../job/summary.ts';

/** What verifying a job's ledger against the root that its account printed finds wrong. @throws LedgerError */
export async function verifyLedger(folder: string, job: JobResource): Promise<string[]> {
  const root = rootOf(job);
  if (root === undefined) return ['the account has no root hash'];
  const ledger = await openLedger(folder, { create: false });
  try {
    const report = await verifyJob(ledger.job(job.job), { root });
    const problems = report.problems.map((problem) => `${problem.object}: ${problem.message}`);
    if (!report.authentic && problems.length === 0) problems.push('it is not the ledger that has this root');
    if (report.checked.rows !== job.listed) problems.push(`it has ${report.checked.rows} rows for ${job.listed} items`);
    return problems;
  } finally {
    await ledger.close();
  }
}
