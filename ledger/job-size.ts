import type { JobLedger } from './job-ledger.ts';

/** Objects that are counted at most; a listing of so many takes some seconds in a bucket. */
const MAX_OBJECTS = 20_000;

export interface JobSize {
  readonly objects: number;
  /** As stored, in bytes. */
  readonly bytes: number;
  /** True when there are more objects than were counted. */
  readonly partial: boolean;
}

/** What a job's ledger takes, at most its first 20,000 objects. @throws LedgerError `not_readable`, `unavailable` */
export async function sizeOf(job: JobLedger): Promise<JobSize> {
  let objects = 0;
  let bytes = 0;
  for await (const { size } of job.objects.list()) {
    if (objects === MAX_OBJECTS) return { objects, bytes, partial: true };
    objects += 1;
    bytes += size;
  }
  return { objects, bytes, partial: false };
}
