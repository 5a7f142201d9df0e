import { hash } from 'node:crypto';
import { messageOf } from '../domain/errors.ts';
import { Attempt, type Line } from './attempt.ts';
import { SCANNER_CODES, ScannerError } from './errors.ts';
import { createGate } from './gate.ts';
import { fixedHeaders } from './headers.ts';
import { tooLarge } from './judge.ts';
import { createLimiter, type Ending, type Grant } from './limiter.ts';
import { createPool } from './pool.ts';
import type { Judgement, ProbeReport, Scanner, ScanRequest } from './scanner.ts';
import { resolveSettings, type ScannerSettings } from './settings.ts';
import { Silence } from './silence.ts';
import { createWatch } from './watch.ts';

export type { ScannerSettings } from './settings.ts';

/** Receiving, unpacking and hashing take their time too: at 32 MiB/s it is no sign of a queue. */
const HANDLING_BYTES_PER_MS = 2 ** 25 / 1000;
/** A scanner that takes longer over a probe is not well. In milliseconds. */
const PROBE_TIMEOUT_MS = 30_000;
/** What a probe sends: a text that no scanner can mind. */
const PROBE_BODY = Buffer.from('dsx-connect asks whether this scanner answers.\n');
const EMPTY_SHA256 = hash('sha256', '');

/**
 * One scanner for the whole process: share it. `close()` it at the end.
 * @throws ScannerError `scanner_config` when a setting cannot be right
 */
export function createScanner(given: ScannerSettings): Scanner {
  const settings = resolveSettings(given);
  const { name, now } = settings;
  const shortest = Math.min(settings.noProgressMs, settings.headersTimeoutMs);
  const line: Line = {
    settings,
    pool: createPool(settings),
    watch: createWatch(Math.min(1_000, Math.max(5, shortest / 4)), now),
    headers: fixedHeaders(settings),
    metadataRefused: false,
  };
  const patience = Math.min(PROBE_TIMEOUT_MS, settings.headersTimeoutMs);
  const probeLine: Line = { ...line, settings: { ...settings, headersTimeoutMs: patience } };
  const limiter = createLimiter(settings);
  const gate = createGate({
    name,
    probe: () => probe(new AbortController().signal),
    onClose: (error) => limiter.rejectWaiting(error),
    now,
    random: settings.random,
  });

  const silence = new Silence(() => gate.listen(), now);

  async function scan(request: ScanRequest, signal: AbortSignal): Promise<Judgement> {
    signal.throwIfAborted();
    gate.check();
    if (request.size !== undefined && request.size > settings.maxBytes) {
      return tooLarge(settings, settings.maxBytes, { bytes: 0, sha256: EMPTY_SHA256 }, false);
    }
    const grant =
      limiter.tryAcquire(request.size, request.live) ?? (await limiter.acquire(request.size, signal, request.live));
    try {
      return await attempt(grant, request, signal);
    } catch (error) {
      if (!(error instanceof ScannerError) || SCANNER_CODES[error.code].blame !== 'gate') throw error;
      throw await gate.confirm(error, request.attempt ?? 1, signal);
    }
  }

  /** Holds the slot for exactly as long as the attempt takes. */
  async function attempt(grant: Grant, request: ScanRequest, signal: AbortSignal): Promise<Judgement> {
    let ending: Ending = NOTHING;
    try {
      signal.throwIfAborted();
      request.notAfter?.throwIfAborted();
      gate.check();
      const wait = request.ready?.();
      if (wait !== undefined) {
        await wait;
        signal.throwIfAborted();
        request.notAfter?.throwIfAborted();
      }
      const attempt = new Attempt(line, request, signal);
      silence.begin();
      try {
        const judgement = await attempt.run();
        silence.heard();
        const elapsedMs = now() - attempt.sentAt;
        if (judgement.partial === undefined) ending = { kind: 'answered', waitMs: waitOf(judgement, elapsedMs) };
        return judgement;
      } catch (error) {
        if (error instanceof ScannerError) {
          ending = endingOf(error, attempt.sourceStalled);
          if (error.status !== undefined) silence.heard();
        }
        throw error;
      } finally {
        silence.end();
      }
    } finally {
      limiter.release(grant, ending);
    }
  }

  async function probe(signal: AbortSignal): Promise<ProbeReport> {
    const started = now();
    const report = (ok: boolean, detail: string, standIn: boolean, code?: string): ProbeReport => ({
      ok,
      ...(code !== undefined && { code }),
      detail,
      standIn,
      elapsedMs: Math.round(now() - started),
    });
    try {
      signal.throwIfAborted();
      const { verdict, scanner } = await new Attempt(
        probeLine,
        { size: PROBE_BODY.length, body: one(PROBE_BODY) },
        signal,
      ).run();
      return report(true, `Scanner ${name} answered "${verdict.verdict}".`, scanner.standIn);
    } catch (error) {
      if (error instanceof ScannerError && error.code === 'scan_timeout') {
        return { ...report(false, error.message, false, 'scanner_unreachable'), silent: true };
      }
      if (error instanceof ScannerError) return report(false, error.message, false, error.code);
      if (signal.aborted) throw error;
      return report(false, `Scanner ${name}: ${messageOf(error)}`, false, 'scanner_transient');
    }
  }

  return {
    name,
    identity: `${settings.origin} entity ${settings.protectedEntity ?? 'default'}`,
    maxBytes: settings.maxBytes,
    scan,
    doubt: (failure, signal) => gate.doubt(failure, signal),
    async probe(signal) {
      const report = await probe(signal);
      gate.learn(report);
      return report;
    },
    untilOpen: (signal) => gate.untilOpen(signal),
    state() {
      const closed = gate.state();
      return { ...limiter.state(), ...(closed !== undefined && { gate: closed }) };
    },
    async close() {
      silence.close();
      gate.close();
      limiter.rejectWaiting(new ScannerError('scanner_unreachable', `Scanner ${name}: closed in this process.`));
      await line.pool.destroy();
    },
  };
}

const NOTHING: Ending = { kind: 'nothing' };

function endingOf(error: ScannerError, sourceStalled: boolean): Ending {
  const overload = error.code === 'scanner_busy' || (error.code === 'scan_timeout' && !sourceStalled);
  return overload ? { kind: 'overload', retryAfterMs: error.retryAfterMs } : NOTHING;
}

/** What of the time from the last byte to the answer neither the scanner's own scan time nor the item's size explains. */
function waitOf(judgement: Judgement, elapsedMs: number): number {
  const engineMs = (judgement.scanner.engineMicros ?? 0) / 1000;
  return Math.max(0, elapsedMs - engineMs - judgement.bytes / HANDLING_BYTES_PER_MS);
}

async function* one(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  yield chunk;
}
