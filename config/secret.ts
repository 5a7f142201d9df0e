import type { Hidden } from '../domain/hidden.ts';

/** A value that shows itself only when asked: printed, logged or serialised, it is `[redacted]` (or what stands in for it). */
export class Secret implements Hidden {
  readonly #value: string;
  readonly #shown: string;

  /** `shown`: what is printed instead, as an address without its password. */
  constructor(value: string, shown = '[redacted]') {
    this.#value = value;
    this.#shown = shown;
  }

  /** The value itself: for the client that needs it, never for a message. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return this.#shown;
  }

  toJSON(): string {
    return this.#shown;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.#shown;
  }
}

/** An address whose user and password are left out when it is printed. `url` must parse. */
export function secretUrl(url: string): Secret {
  const shown = new URL(url);
  if (shown.password !== '') shown.password = '***';
  if (shown.username !== '') shown.username = '***';
  shown.search = '';
  return new Secret(url, shown.href);
}
