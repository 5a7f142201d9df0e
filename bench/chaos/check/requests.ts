import { readFileSync } from 'node:fs';
import type { SeenRequest } from '../../../scanner/standin/request-log.ts';

/** One scan request of a job, as the stand-in's log on disk has it. */
export interface Scan extends SeenRequest {
  readonly job: string;
  /** `page:ordinal`. */
  readonly item: string;
  readonly page: string;
  /** The worker that sent it, where the log tells. */
  readonly worker: string;
}

/**
 * Reads a stand-in's request log. A last line that was cut off by a kill is no line: its request was never answered.
 * @throws Error that names a line that cannot be read
 */
export function readRequests(file: string): SeenRequest[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  const whole = lines.slice(0, -1);
  return whole.map((line, at) => {
    try {
      return JSON.parse(line) as SeenRequest;
    } catch (cause) {
      throw new Error(`line ${at + 1} of ${file} is no request`, { cause });
    }
  });
}

/** The scans of one job, in the order in which they arrived. @param workers by the address that each spoke to */
export function scansOf(
  requests: readonly SeenRequest[],
  job: string,
  workers: ReadonlyMap<string, string> = new Map(),
): Scan[] {
  return requests
    .flatMap((request) => {
      const facts = factsOf(request.metadata);
      const item = facts.get('item');
      if (facts.get('job') !== job || item === undefined) return [];
      const worker = workers.get(request.host ?? '') ?? request.host ?? '';
      return [{ ...request, job, item, page: item.slice(0, item.indexOf(':')), worker }];
    })
    .sort((a, b) => a.received - b.received);
}

/** The pairs of `X-Custom-Metadata`. */
function factsOf(metadata: string | undefined): Map<string, string> {
  const pairs = (metadata ?? '').split(',').map((pair): [string, string] => {
    const colon = pair.indexOf(':');
    return [pair.slice(0, colon), decodeURIComponent(pair.slice(colon + 1))];
  });
  return new Map(pairs);
}
