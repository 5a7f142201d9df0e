/**
 * The base of every error that the product raises on purpose. Each boundary (connector, scanner, ledger, configuration, API)
 * has one subclass with a closed set of codes, and one table from code to what follows (retry, HTTP status, exit code).
 * Nothing ever decides on the text of a message. A message names what failed, with which input, and what to do about it.
 */
export abstract class CodedError<Code extends string = string> extends Error {
  readonly code: Code;

  constructor(code: Code, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
  }
}

/** The system error code (`ENOENT`, `ENOSPC`, …) of a Node error, or undefined for anything else. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** The message of whatever was thrown, for a log or the `detail` of a row. Never decide on it. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
