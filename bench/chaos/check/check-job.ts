import type { Facts } from '../../../cli/demo/snapshot.ts';
import { messageOf } from '../../../domain/errors.ts';
import { LedgerError } from '../../../ledger/errors.ts';
import type { Ledger } from '../../../ledger/ledger.ts';
import { verifyJob } from '../../../ledger/verify.ts';
import type { SeenRequest } from '../../../scanner/standin/request-log.ts';
import type { Event } from '../timeline.ts';
import { checkRows, checkSums, type ExpectedItem, type Told } from './account.ts';
import { checkActions, checkDisk } from './actions.ts';
import { Findings } from './findings.ts';
import { type JobRecord, readJob } from './read-job.ts';
import { scansOf } from './requests.ts';
import { checkScans, type ScanFigures } from './scans.ts';
import { spansOf } from './spans.ts';
import { checkEnd, checkLateWakers, checkTakeovers, type Takeover } from './takeover.ts';

/** Everything that a job is checked against. */
export interface JobEvidence {
  readonly ledger: Ledger;
  readonly job: string;
  /** From the workflow's result. */
  readonly root: string;
  readonly folder: string;
  /** The folder before the scan. */
  readonly before: ReadonlyMap<string, Facts>;
  /** What each file must come to, by location as bytes, one character each. */
  readonly expected: ReadonlyMap<string, ExpectedItem>;
  readonly quarantine: string;
  /** What was told of the job: each must agree with the rows. */
  readonly told: readonly Told[];
  /** The scanner's request log. The scans of the job must carry its metadata. */
  readonly requests: readonly SeenRequest[];
  /** The workers by the address of the scanner that each spoke to; needed where faults hit single workers. */
  readonly workers?: ReadonlyMap<string, string>;
  /** Faults that struck while the job ran. */
  readonly events?: readonly Event[];
}

export interface JobVerdict {
  readonly job: string;
  /** Nothing: the job is proven. Else one sentence for each problem, or kind of them. */
  readonly problems: readonly string[];
  readonly problemCount: number;
  readonly figures: ScanFigures & {
    readonly items: number;
    readonly actions: number;
    readonly strays: number;
    /** Scans that a worker began too late; each is a problem. */
    readonly late: number;
  };
  readonly takeovers: readonly Takeover[];
}

/** Proves from ledger, disk and the scanner's request log that a job did all it had to, once; or says what is wrong. */
export async function checkJob(evidence: JobEvidence): Promise<JobVerdict> {
  const { job, expected, folder, before, quarantine, workers = new Map(), events = [] } = evidence;
  const findings = new Findings();
  const { strays, record } = await read(evidence, findings);
  const scans = scansOf(evidence.requests, job, workers);
  let figures: ScanFigures = { scans: scans.length, judged: 0, rescans: 0, bound: 0 };
  let takeovers: Takeover[] = [];
  let late = 0;
  if (record !== undefined) {
    checkRows(record, expected, findings);
    checkSums(record, evidence.told, findings);
    checkActions(job, record, findings);
    await checkDisk(record, folder, before, quarantine, findings);
    const spans = new Map([...new Set(workers.values())].map((name) => [name, spansOf(name, events, Date.now())]));
    figures = checkScans(record, scans, spans, findings);
    takeovers = checkTakeovers(scans, events, spans, findings);
    late = checkLateWakers(scans, events, spans, findings);
    checkEnd(scans, Date.parse(record.account?.endedAt ?? ''), events, spans, findings);
  }
  const items = record?.items.size ?? 0;
  const actions = record?.actions.length ?? 0;
  return {
    job,
    problems: findings.list(),
    problemCount: findings.count,
    figures: { ...figures, items, actions, strays, late },
    takeovers,
  };
}

async function read(
  { ledger, job, root }: JobEvidence,
  findings: Findings,
): Promise<{ strays: number; record?: JobRecord }> {
  try {
    const report = await verifyJob(ledger.job(job), { root });
    for (const { object, message } of report.problems) findings.add('ledger', `${object}: ${message}`);
    if (!report.authentic && report.problemCount === 0)
      findings.add('ledger', `it is not the one that has the root ${root}`);
    return { strays: report.strays.count, record: await readJob(ledger.job(job)) };
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    findings.add('ledger', messageOf(error));
    return { strays: 0 };
  }
}
