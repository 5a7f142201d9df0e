import { type Judged, readAnswer } from '../domain/verdict.ts';
import { ScannerError } from './errors.ts';
import type { Judgement } from './scanner.ts';

/** One whole HTTP answer. */
export interface Reply {
  readonly status: number;
  readonly standIn: boolean;
  readonly retryAfterMs: number | undefined;
  readonly body: string;
}

/** What was sent before the answer came. `whole`: all of it, and the source had no more. */
export interface Sent {
  readonly bytes: number;
  readonly sha256: string;
  readonly whole: boolean;
}

/** The value of the header `Server` by which the stand-in tells what it is. */
export const STAND_IN_SERVER = 'standin-dsxa';

export interface JudgeRules {
  readonly name: string;
  readonly allowStandIn: boolean;
}

/**
 * Whether an answer is a verdict that counts. Pure.
 * @throws ScannerError with the code of the refusal, or `scanner_mismatch` when the scanner judged other bytes than those sent.
 */
export function judge(rules: JudgeRules, reply: Reply, sent: Sent): Judgement {
  if (reply.standIn && !rules.allowStandIn) {
    throw fail(
      rules,
      reply,
      'scanner_config',
      'a stand-in answered, which is no malware scanner and is not allowed here',
    );
  }
  const answer = readAnswer(reply.status, reply.body);
  if (answer.kind === 'refused') throw fail(rules, reply, answer.code, answer.detail);
  if (!sent.whole && (reply.status === 200 || answer.outcome !== 'unscannable')) {
    throw fail(
      rules,
      reply,
      'scanner_protocol',
      `it answered with a verdict after ${sent.bytes} bytes, before it had the whole item`,
    );
  }
  if (sent.whole) compare(rules, reply, answer, sent);
  return {
    outcome: answer.outcome,
    ...(answer.reason !== undefined && { reason: answer.reason }),
    verdict: answer.verdict,
    scanner: {
      name: rules.name,
      standIn: reply.standIn,
      ...(answer.scanId !== undefined && { scanId: answer.scanId }),
      ...(answer.engineMicros !== undefined && { engineMicros: answer.engineMicros }),
    },
    sha256: sent.sha256,
    bytes: sent.bytes,
    ...((!sent.whole || reply.status === 413) && { partial: true as const }),
  };
}

/** The result for an item above the size limit, of which the scanner never got (or never was to get) the whole. */
export function tooLarge(rules: JudgeRules, maxBytes: number, sent: Omit<Sent, 'whole'>, standIn: boolean): Judgement {
  return {
    outcome: 'unscannable',
    reason: 'file_too_large',
    verdict: { verdict: '', reasonRaw: `more than ${maxBytes} bytes` },
    scanner: { name: rules.name, standIn },
    sha256: sent.sha256,
    bytes: sent.bytes,
    partial: true,
  };
}

/**
 * The scanner's own account of the bytes, where it gives one. For a container the hash may be that of a member, and then
 * `container_hash` is ours; the size then belongs to the member too.
 */
function compare(rules: JudgeRules, reply: Reply, answer: Judged, sent: Sent): void {
  const { size, hash, containerHash } = answer.claims;
  if (containerHash === sent.sha256) return;
  if (hash !== undefined && hash !== sent.sha256) {
    throw fail(rules, reply, 'scanner_mismatch', `it judged bytes with the hash ${hash}; sent were ${sent.sha256}`);
  }
  if (size !== undefined && size !== sent.bytes) {
    throw fail(rules, reply, 'scanner_mismatch', `it judged ${size} bytes; sent were ${sent.bytes}`);
  }
}

function fail(rules: JudgeRules, reply: Reply, code: ScannerError['code'], detail: string): ScannerError {
  return new ScannerError(code, `Scanner ${rules.name}: ${detail}.`, {
    status: reply.status,
    ...(reply.retryAfterMs !== undefined && { retryAfterMs: reply.retryAfterMs }),
  });
}
