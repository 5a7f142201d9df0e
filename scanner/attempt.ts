import { hash } from 'node:crypto';
import type { Dispatcher, Pool } from 'undici';
import { type Abortable, onAbort } from '../domain/abort.ts';
import type { Seat } from '../domain/ring.ts';
import { BodyStream, BodyTooLarge, gather, SMALL_BODY } from './body.ts';
import { ScannerError } from './errors.ts';
import { isDrop, transportFailure } from './failure.ts';
import { encodeMetadata, passwordHeader } from './headers.ts';
import { judge, tooLarge } from './judge.ts';
import type { TrackedClient, TrackedHandler } from './pool.ts';
import { ANSWER_LIMIT, ReplyReader } from './reply.ts';
import type { Judgement, ScanRequest } from './scanner.ts';
import type { ResolvedSettings } from './settings.ts';
import type { Watch, Watched } from './watch.ts';

export const SCAN_PATH = '/scan/binary/v2';
/** The slowest upload that is not given up, and what every attempt has in any case. */
const LEAST_BYTES_PER_MS = 2 ** 20 / 1000;
const GRACE_MS = 60_000;

/** The longest that an attempt at so many bytes may take, in milliseconds: whoever sets a limit around it stays above. */
export function attemptLimitMs(bytes: number, headersTimeoutMs: number): number {
  return GRACE_MS + bytes / LEAST_BYTES_PER_MS + headersTimeoutMs;
}

/** What all attempts of one scanner share. */
export interface Line {
  readonly settings: ResolvedSettings;
  readonly pool: Pool;
  readonly watch: Watch;
  readonly headers: readonly string[];
  /** Set once the scanner refused a request for its headers: from then on no metadata is sent. */
  metadataRefused: boolean;
}

/** One request to the scanner with one body: sends, watches, reads the answer. Used once. */
export class Attempt implements TrackedHandler, Watched, Abortable {
  via: TrackedClient | undefined;
  startedAt: number;
  /** Monotonic: when the scanner had the last byte. */
  sentAt = 0;
  /** True when it was our own source that stood still: no reason to send the scanner less. */
  sourceStalled = false;
  readonly #line: Line;
  readonly #request: ScanRequest;
  readonly #signal: AbortSignal;
  #resolve!: (judgement: Judgement) => void;
  #reject!: (error: unknown) => void;
  #settled = false;
  #seat: Seat | undefined;
  #since = 0;
  #limitMs: number;
  /** What the caller had held back when `since` was set. */
  #heldBefore = 0;
  #controller: Dispatcher.DispatchController | undefined;
  #buffer: Buffer | undefined;
  #stream: BodyStream | undefined;
  #metadataSent = false;
  #resent = false;
  readonly #answer = new ReplyReader();

  constructor(line: Line, request: ScanRequest, signal: AbortSignal) {
    this.#line = line;
    this.#request = request;
    this.#signal = signal;
    this.startedAt = line.settings.now();
    this.since = this.startedAt;
    this.#limitMs = line.settings.noProgressMs;
  }

  get since(): number {
    return this.#since;
  }

  set since(at: number) {
    this.#since = at;
    this.#heldBefore = this.#held();
  }

  get limitMs(): number {
    return this.#limitMs + this.#held() - this.#heldBefore;
  }

  #held(): number {
    return this.#request.heldMs?.() ?? 0;
  }

  /** The signal must not have aborted yet. */
  run(): Promise<Judgement> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#seat = onAbort(this.#signal, this);
      this.#line.watch.add(this);
      const { size, body } = this.#request;
      if (size !== undefined && size <= SMALL_BODY) {
        gather(body, size, this.#line.settings.name).then(
          (buffer) => this.#postBuffer(buffer),
          (error: unknown) => this.#fail(error),
        );
      } else {
        this.#postStream();
      }
    });
  }

  #postBuffer(buffer: Buffer): void {
    if (this.#settled) return;
    this.#buffer = buffer;
    this.#post(buffer, this.#headers());
    this.#sent();
  }

  #postStream(): void {
    const { settings } = this.#line;
    const { size, body } = this.#request;
    const stream = new BodyStream(body, size, settings.maxBytes, settings.name, () => {
      if (stream.whole) this.#sent();
      else this.since = settings.now();
    });
    this.#stream = stream;
    const headers = this.#headers();
    this.#post(stream.pieces(), size === undefined ? headers : [...headers, 'Content-Length', String(size)]);
  }

  #post(body: Buffer | AsyncIterable<Buffer>, headers: string[]): void {
    // undici takes any async iterable; its types name only Readable.
    const options = { path: SCAN_PATH, method: 'POST', headers, body } as Dispatcher.DispatchOptions;
    this.#line.pool.dispatch(options, this);
  }

  #headers(): string[] {
    const { settings, headers, metadataRefused } = this.#line;
    const facts = this.#request.metadata;
    const metadata = settings.metadata && !metadataRefused && facts !== undefined ? encodeMetadata(facts) : '';
    this.#metadataSent = metadata !== '';
    const { password } = this.#request;
    if (!this.#metadataSent && password === undefined) return headers as string[];
    return [
      ...headers,
      ...(this.#metadataSent ? ['X-Custom-Metadata', metadata] : []),
      ...(password === undefined ? [] : passwordHeader(password)),
    ];
  }

  #sent(): void {
    this.sentAt = this.#line.settings.now();
    this.since = this.sentAt;
    this.#limitMs = this.#line.settings.headersTimeoutMs;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settled) controller.abort(new Error('given up'));
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    this.#answer.begin(status, headers);
    this.since = this.#line.settings.now();
    this.#limitMs = this.#line.settings.noProgressMs;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.since = this.#line.settings.now();
    if (this.#answer.add(chunk)) return;
    const { name } = this.#line.settings;
    this.#giveUp(
      new ScannerError('scanner_protocol', `Scanner ${name}: an answer of more than ${ANSWER_LIMIT} bytes.`),
    );
  }

  onResponseEnd(): void {
    if (this.via !== undefined) this.via.served += 1;
    if (this.#settled) return;
    try {
      const judgement = judge(this.#line.settings, this.#answer.reply(), this.#whatWasSent());
      this.#settle();
      this.#resolve(judgement);
    } catch (error) {
      this.#fail(this.#withoutMetadata(error));
    }
  }

  onResponseError(_: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#settled) return;
    const failure = this.#stream?.failure;
    if (failure?.error instanceof BodyTooLarge) {
      const { settings } = this.#line;
      this.#settle();
      const sent = { bytes: this.#stream?.bytes ?? 0, sha256: this.#stream?.digest() ?? '' };
      this.#resolve(tooLarge(settings, settings.maxBytes, sent, false));
    } else if (failure !== undefined) {
      this.#fail(failure.error);
    } else if (this.#mayResend(error)) {
      this.#resent = true;
      this.#controller = undefined;
      this.#post(this.#buffer as Buffer, this.#headers());
    } else {
      this.#fail(transportFailure(this.#line.settings.name, error));
    }
  }

  /** A socket that the server closed while it was idle: the request was never looked at, and its body is still here. */
  #mayResend(error: Error): boolean {
    return (
      this.#buffer !== undefined &&
      !this.#resent &&
      this.#answer.status === 0 &&
      isDrop(error) &&
      (this.via?.served ?? 0) > 0
    );
  }

  /** 431 with metadata: the next attempt, at this item or another, goes without. */
  #withoutMetadata(error: unknown): unknown {
    if (this.#answer.status !== 431 || !this.#metadataSent) return error;
    this.#line.metadataRefused = true;
    const { name } = this.#line.settings;
    return new ScannerError('scanner_transient', `Scanner ${name}: status 431; no metadata is sent from now on.`, {
      status: 431,
      cause: error,
    });
  }

  #whatWasSent(): { bytes: number; sha256: string; whole: boolean } {
    if (this.#buffer !== undefined) {
      return { bytes: this.#buffer.length, sha256: hash('sha256', this.#buffer), whole: true };
    }
    const stream = this.#stream as BodyStream;
    return { bytes: stream.bytes, sha256: stream.digest(), whole: stream.whole };
  }

  deadlineMs(): number {
    const bytes = this.#request.size ?? this.#stream?.bytes ?? 0;
    return attemptLimitMs(bytes, this.#line.settings.headersTimeoutMs) + this.#held();
  }

  expire(why: 'progress' | 'deadline'): void {
    const { name } = this.#line.settings;
    const sending = this.sentAt === 0;
    this.sourceStalled = sending && this.#stream?.waitingFor !== 'scanner';
    const stalled = this.sourceStalled
      ? 'the storage gave no byte'
      : sending
        ? 'the scanner took no byte'
        : 'it gave no answer';
    const detail =
      why === 'progress'
        ? `${stalled} for ${Math.round(this.limitMs / 1000)} s`
        : `no verdict within ${Math.round(this.deadlineMs() / 1000)} s`;
    this.#giveUp(new ScannerError('scan_timeout', `Scanner ${name}: ${detail}.`));
  }

  forgive(ms: number): void {
    this.#since += ms;
    this.startedAt += ms;
  }

  abort(reason: unknown): void {
    this.#giveUp(reason);
  }

  #giveUp(error: unknown): void {
    this.#fail(error);
    this.#controller?.abort(new Error('given up'));
  }

  #fail(error: unknown): void {
    if (this.#settled) return;
    this.#settle();
    this.#reject(error);
  }

  #settle(): void {
    this.#settled = true;
    this.#line.watch.remove(this);
    this.#seat?.leave();
  }
}
