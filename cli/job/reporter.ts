import type { JobResource } from '../../api/contract.ts';
import type { OutcomeRow } from '../../domain/outcome.ts';
import type { Finding } from './findings.ts';

/** Tells one person or program about one job while it runs and at its end. */
export interface Reporter {
  /** The job is known. `joined`: another request had started it. */
  started(job: string, joined: boolean): void;
  /** New figures. May be called as often as they come. */
  progress(job: JobResource): void;
  /** A finding of a page that closed; called once for each. */
  finding(row: OutcomeRow): void;
  /** A remark for a person. */
  note(line: string): void;
  /** The account, once, at the end. */
  account(job: JobResource, findings: readonly Finding[]): void;
  /** The job is left to itself; `watch` is the command that goes on with it. */
  detached(job: string, watch: string): void;
  /** How many findings `account` has use for. */
  readonly wanted: number;
  /** Stops drawing; may be called twice. */
  close(): void;
}
