import { z } from 'zod';
import { sizeOf } from '../../ledger/job-size.ts';
import { summarize } from '../../ledger/job-summary.ts';
import type { JobLedgerAnswer } from '../contract.ts';
import type { Jobs } from '../jobs.ts';
import { ApiProblem } from '../problems.ts';
import { jobParams } from '../request-schemas.ts';
import { type Route, route } from '../route.ts';

const count = z.int().nonnegative();
const answer = z.strictObject({
  job: z.string(),
  place: z.string(),
  state: z.string(),
  commits: count,
  head: z.string().optional(),
  root: z.string().optional(),
  rivals: count,
  objects: count,
  bytes: count,
  partial: z.boolean(),
  verify: z.string(),
}) satisfies z.ZodType<JobLedgerAnswer>;

/** The ledger of a job as a whole. Proving it reads every row, which is for the command line, beside the ledger. */
export function jobLedgerRoutes(jobs: Jobs): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/jobs/:job/ledger',
      summary:
        'The ledger of a job: where it lies, its commits, its root hash, its size, and the command that proves it.',
      role: 'viewer',
      params: jobParams,
      answers: { 200: answer },
      problems: ['job_not_found', 'ledger_unavailable'],
      handle: async ({ params: { job } }) => {
        const ledger = await jobs.ledgerOf(job);
        const { place, size } = { place: ledger.objects.path('').replace(/\/$/, ''), size: await sizeOf(ledger) };
        if (size.objects === 0)
          throw new ApiProblem('job_not_found', `There is no ledger of a job ${JSON.stringify(job)}.`);
        const { state, root } = await summarize(ledger);
        const { links, rivals } = await ledger.chain();
        const head = links.at(-1);
        const body: JobLedgerAnswer = {
          job,
          place,
          state,
          commits: links.length,
          ...(head !== undefined && { head: head.hash }),
          ...(root !== undefined && { root }),
          rivals: rivals.length,
          ...size,
          verify: `dsx ledger verify ${job}${root === undefined ? '' : ` --root ${root}`}`,
        };
        return { status: 200, body };
      },
    }),
  ];
}
