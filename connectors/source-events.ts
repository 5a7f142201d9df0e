import type { StorageEvent } from '../domain/event.ts';
import { sha256Hex } from '../domain/sha256.ts';

/** What a message of a source told. */
export interface SourceEvents {
  readonly events: readonly StorageEvent[];
  /** Told and of no concern: deletions, changes of tags, test messages, folders, other assets, quarantine. */
  readonly ignored: number;
  /** Told in a way that can't be understood: the message must not be taken for done. */
  readonly unreadable: number;
}

export const NOTHING: SourceEvents = { events: [], ignored: 0, unreadable: 0 };
export const IGNORED: SourceEvents = { events: [], ignored: 1, unreadable: 0 };
export const UNREADABLE: SourceEvents = { events: [], ignored: 0, unreadable: 1 };

export function oneEvent(event: StorageEvent): SourceEvents {
  return { events: [event], ignored: 0, unreadable: 0 };
}

export function joined(parts: readonly SourceEvents[]): SourceEvents {
  return {
    events: parts.flatMap(({ events }) => events),
    ignored: parts.reduce((sum, { ignored }) => sum + ignored, 0),
    unreadable: parts.reduce((sum, { unreadable }) => sum + unreadable, 0),
  };
}

/** An id from what makes an event the one that it is, whichever way it came. */
export function eventId(source: string, ...parts: readonly string[]): string {
  return `${source}:${sha256Hex(JSON.stringify(parts)).slice(0, 32)}`;
}

/** A number as text (decimal or hex) so that texts compare as the numbers do; undefined for one that is longer than `width`. */
export function padded(digits: string, width: number): string | undefined {
  return digits !== '' && digits.length <= width ? digits.toUpperCase().padStart(width, '0') : undefined;
}

/** ISO 8601 in UTC; `otherwise` for what is no time. */
export function timeOr(text: unknown, otherwise: string): string {
  const ms = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? otherwise : new Date(ms).toISOString();
}

/** A text of any length; undefined for anything else, and for an empty one. */
export function whole(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
