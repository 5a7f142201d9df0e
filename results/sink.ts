import { CodedError } from '../domain/errors.ts';
import type { ResultMessage } from './message.ts';

/**
 * Why results were not taken.
 * - `sink_unreachable`: nobody answers there, or the connection broke
 * - `sink_untrusted`: its certificate is none that is trusted
 * - `sink_refused`: it answered, and does not take them
 * - `sink_gone`: it asks for no more (HTTP 410)
 * - `sink_forbidden`: its address is one that results may not be sent to
 */
export type SinkCode = 'sink_unreachable' | 'sink_untrusted' | 'sink_refused' | 'sink_gone' | 'sink_forbidden';
export class SinkError extends CodedError<SinkCode> {}

/** Where results go. */
export interface Sink {
  readonly id: string;
  /** Which outcomes: those that are findings, or all. Actions are always sent. */
  readonly send: 'findings' | 'all';
  /** Changes when the receiver is another one: one that asked for no more is then asked again. */
  readonly receiver: string;
  /**
   * Resolves when the receiver has taken the batch, as far as its protocol can tell.
   * @param id names the batch: a repeat has the same one
   * @throws SinkError
   */
  deliver(id: string, batch: readonly ResultMessage[]): Promise<void>;
}
