import type { JobProgress } from '../../domain/job.ts';
import type { OutcomeRow } from '../../domain/outcome.ts';
import { type VerifyReport, verifyJob } from '../../ledger/verify.ts';
import { onAccessWorkflowId, QUERY } from '../../workflows/messages.ts';
import type { Plant } from './plant.ts';

/** The on-access job of a source, as whoever looks at it from outside sees it. */
export class EventJob {
  readonly plant: Plant;
  readonly workflowId: string;

  constructor(plant: Plant, source: string) {
    this.plant = plant;
    this.workflowId = onAccessWorkflowId(source, 0);
  }

  progress(): Promise<JobProgress> {
    return this.plant.client.workflow.getHandle(this.workflowId).query<JobProgress>(QUERY.progress);
  }

  /** Until the job says so. */
  async until(check: (progress: JobProgress) => boolean, timeoutMs = 60_000): Promise<JobProgress> {
    const deadline = Date.now() + timeoutMs;
    for (let last: unknown; ; ) {
      try {
        const progress = await this.progress();
        if (check(progress)) return progress;
        last = { ...progress, settings: undefined };
      } catch (error) {
        last = error;
      }
      if (Date.now() > deadline) throw new Error(`not so within ${timeoutMs} ms: ${JSON.stringify(last)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Cancels the job that runs and waits for its end. Returns its rows. */
  async end(job: string): Promise<OutcomeRow[]> {
    await this.plant.client.workflow.getHandle(this.workflowId).signal('cancel', { job, actor: 'test' });
    await this.until((progress) => progress.job === job && progress.state === 'cancelled');
    return await this.rows(job);
  }

  /** Rows that the job's commits count so far. */
  async rows(job: string): Promise<OutcomeRow[]> {
    const rows: OutcomeRow[] = [];
    for await (const { body } of this.plant.ledger.job(job).commits()) {
      for (const page of body.pages) rows.push(...(await this.plant.ledger.job(job).readSegment(page.segment)));
    }
    return rows;
  }

  /** What the ledger says of a job that has ended, by the root that its end told. */
  async verified(job: string): Promise<VerifyReport> {
    const { commit } = await this.until((progress) => progress.job === job && progress.commit !== undefined);
    return await verifyJob(this.plant.ledger.job(job), { root: commit?.hash ?? '' });
  }
}
