import { createHash } from 'node:crypto';
import type { ActionCode } from '../domain/action.ts';
import type { ActionReport } from './connector.ts';

/** Ends an action with a report. */
export class Stop extends Error {
  readonly report: ActionReport;

  constructor(report: ActionReport) {
    super(report.note ?? report.code);
    this.report = report;
  }
}

/** The action could not be carried out. */
export function failed(code: ActionCode, note: string): Stop {
  return new Stop({ state: 'failed', code, note });
}

/** The action must not be carried out. */
export function refused(code: ActionCode, note: string): Stop {
  return new Stop({ state: 'refused', code, note });
}

/** The sentences that there are, as the `note` of a report. */
export function noted(...notes: (string | undefined)[]): { note?: string } {
  const said = notes.filter((text) => text !== undefined);
  return said.length === 0 ? {} : { note: said.join('; ') };
}

/** Stands for a finding in names: 32 hex digits, 128 bits of its SHA-256. */
export function findingHash(finding: string): string {
  return createHash('sha256').update(finding).digest('hex').slice(0, 32);
}
