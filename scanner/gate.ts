import { onAbort } from '../domain/abort.ts';
import { SCANNER_CODES, type ScannerCode, ScannerError } from './errors.ts';
import type { ProbeReport } from './scanner.ts';

/** Between two probes while somebody waits, in milliseconds: doubling, each ±20 %. */
const FIRST_INTERVAL_MS = 500;
const LONGEST_INTERVAL_MS = 30_000;
/** From this attempt on, what the scanner refuses to one item alone is no passing trouble. */
const LAST_ATTEMPT = 3;

export interface Gate {
  /** @throws ScannerError with the gate's code while it is closed */
  check(): void;
  /**
   * What a failure with blame `gate` comes to. A probe decides: if it fails too the gate closes and the failure stands; if it
   * is good the scanner is well, and the failure was the item's own: `scanner_busy` for what was unreachable or starting, else
   * `scanner_transient`, from the third attempt on `scanner_request`. Never rejects, but for the signal's reason.
   */
  confirm(error: ScannerError, attempt: number, signal: AbortSignal): Promise<ScannerError>;
  /** As `Scanner.doubt`. */
  doubt(failure: ScannerError, signal: AbortSignal): Promise<ScannerError>;
  /** Nothing was answered for a while: closes when a probe can't even be sent. Never rejects. */
  listen(): Promise<void>;
  /** @throws the signal's reason; the gate's error once it is closed for good */
  untilOpen(signal: AbortSignal): Promise<void>;
  /** A probe that came from elsewhere: a good one opens the gate. */
  learn(report: ProbeReport): void;
  state(): { readonly code: string; readonly since: string; readonly detail: string } | undefined;
  /** For good. Whoever waits is told so. */
  close(): void;
}

export interface GateDeps {
  readonly name: string;
  probe(): Promise<ProbeReport>;
  /** Called when the gate closes, with what everybody who waits for a slot is to be told. */
  onClose(error: ScannerError): void;
  readonly now: () => number;
  readonly random: () => number;
}

interface Closed {
  readonly code: ScannerCode;
  readonly detail: string;
  readonly since: string;
}

export function createGate(deps: GateDeps): Gate {
  let closed: Closed | undefined;
  let interval = FIRST_INTERVAL_MS;
  let nextProbeAt = 0;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<ProbeReport> | undefined;
  let ended = false;
  const waiting = new Set<{ open(): void }>();

  function error(state: Closed): ScannerError {
    return new ScannerError(state.code, state.detail);
  }

  function shut(cause: ScannerError): void {
    if (closed !== undefined) return;
    closed = { code: cause.code, detail: cause.message, since: new Date().toISOString() };
    interval = FIRST_INTERVAL_MS;
    plan();
    deps.onClose(error(closed));
    wake();
  }

  function open(): void {
    closed = undefined;
    clearTimeout(timer);
    timer = undefined;
    for (const w of [...waiting]) w.open();
  }

  function plan(): void {
    nextProbeAt = deps.now() + interval * (0.8 + 0.4 * deps.random());
    interval = Math.min(interval * 2, LONGEST_INTERVAL_MS);
  }

  /** Sets the timer for the next probe, if somebody waits for it. */
  function wake(): void {
    if (timer !== undefined || ended || closed === undefined || waiting.size === 0) return;
    timer = setTimeout(
      () => {
        timer = undefined;
        void once().then(() => {
          if (closed !== undefined) plan();
          wake();
        });
      },
      Math.max(0, Math.ceil(nextProbeAt - deps.now())),
    );
  }

  /** One probe at a time; whoever asks meanwhile shares its report. */
  function once(): Promise<ProbeReport> {
    running ??= deps.probe().then((report) => {
      running = undefined;
      learn(report);
      return report;
    });
    return running;
  }

  function learn(report: ProbeReport): void {
    if (report.ok && closed !== undefined && !ended) open();
  }

  /** A probe that was sent after now. */
  async function fresh(): Promise<ProbeReport> {
    const earlier = running;
    if (earlier !== undefined) {
      const report = await earlier;
      if (!report.ok) return report;
    }
    return once();
  }

  async function verdict(failure: ScannerError, attempt: number): Promise<ScannerError> {
    if (closed !== undefined) return failure;
    const report = await fresh();
    if (!report.ok) {
      shut(failure);
      return failure;
    }
    return new ScannerError(
      itemCode(failure.code, attempt),
      `${failure.message} A probe right after it was answered well, so this concerns the one item.`,
      { cause: failure, ...(failure.status !== undefined && { status: failure.status }) },
    );
  }

  async function doubted(failure: ScannerError): Promise<ScannerError> {
    if (closed !== undefined) return error(closed);
    const report = await fresh();
    if (report.ok) return failure;
    shut(new ScannerError(gateCode(report), `${failure.message} A probe fared no better: ${report.detail}`));
    return closed === undefined ? failure : error(closed);
  }

  return {
    doubt(failure, signal) {
      return unlessAborted(doubted(failure), signal);
    },
    async listen() {
      if (closed !== undefined) return;
      const report = await fresh();
      if (!report.ok && report.silent !== true) shut(new ScannerError(gateCode(report), report.detail));
    },
    check() {
      if (closed !== undefined) throw error(closed);
    },
    confirm(failure, attempt, signal) {
      return unlessAborted(verdict(failure, attempt), signal);
    },
    async untilOpen(signal) {
      signal.throwIfAborted();
      if (closed === undefined) return;
      if (ended) throw error(closed);
      const { promise, resolve } = Promise.withResolvers<void>();
      const waiter = { open: resolve };
      waiting.add(waiter);
      wake();
      try {
        await unlessAborted(promise, signal);
      } finally {
        waiting.delete(waiter);
        if (waiting.size === 0) {
          clearTimeout(timer);
          timer = undefined;
        }
      }
      if (ended && closed !== undefined) throw error(closed);
    },
    learn,
    state: () => closed,
    close() {
      ended = true;
      clearTimeout(timer);
      closed = {
        code: 'scanner_unreachable',
        detail: `Scanner ${deps.name}: closed in this process.`,
        since: new Date().toISOString(),
      };
      for (const w of [...waiting]) w.open();
    },
  };
}

/**
 * The scanner is well, and yet failed this item. One of several behind an address that is down or still starting will be
 * missed by the next attempt; a refusal of the token or the address may be somebody's opinion of the item's bytes.
 */
function itemCode(code: ScannerCode, attempt: number): ScannerCode {
  if (code === 'scanner_unreachable' || code === 'scanner_starting') return 'scanner_busy';
  return attempt >= LAST_ATTEMPT ? 'scanner_request' : 'scanner_transient';
}

/** Whatever a probe fails with concerns the scanner. */
function gateCode(report: ProbeReport): ScannerCode {
  const code = report.code as ScannerCode | undefined;
  return code !== undefined && SCANNER_CODES[code]?.blame === 'gate' ? code : 'scanner_unreachable';
}

/** The promise's end, or the signal's reason if that comes first. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const seat = onAbort(signal, { abort: reject });
    promise.then(
      (value) => {
        seat.leave();
        resolve(value);
      },
      (error: unknown) => {
        seat.leave();
        reject(error);
      },
    );
  });
}
