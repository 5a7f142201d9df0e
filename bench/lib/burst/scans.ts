import { readFileSync } from 'node:fs';
import type { SeenRequest } from '../../../scanner/standin/request-log.ts';

/** When each content was scanned, by the stand-in's request log: Unix time of whole bodies, in order, by SHA-256. */
export function scansOf(log: string): Map<string, number[]> {
  const scans = new Map<string, number[]>();
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    if (line === '') continue;
    const { sha256, received } = JSON.parse(line) as SeenRequest;
    if (sha256 === '') continue;
    const before = scans.get(sha256);
    if (before === undefined) scans.set(sha256, [received]);
    else before.push(received);
  }
  return scans;
}
