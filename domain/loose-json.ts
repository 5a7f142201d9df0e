/** Reading JSON of others: a field of the wrong type is as good as absent, and all text is bounded. Pure; never throws. */
export type Fields = Readonly<Record<string, unknown>>;

/** Stands for "no object here". */
export const NONE: Fields = {};

/** Longest text kept of what somebody else said, in UTF-16 units. */
const TEXT_LIMIT = 300;

/** A JSON object, or undefined for any other text. A byte order mark may stand before it. */
export function parseFields(body: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(body.charCodeAt(0) === 0xfeff ? body.slice(1) : body);
    const found = fields(value);
    return found === NONE ? undefined : found;
  } catch {
    return undefined;
  }
}

/** The value if it is an object, else `NONE`. */
export function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : NONE;
}

/** The first that is not `NONE`. */
export function first(...candidates: readonly Fields[]): Fields {
  for (const c of candidates) if (c !== NONE) return c;
  return NONE;
}

export function bounded(value: string): string {
  return value.length <= TEXT_LIMIT ? value : `${value.slice(0, TEXT_LIMIT - 1).toWellFormed()}…`;
}

/** A text that says something, bounded. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? bounded(value) : undefined;
}

/** A whole number of at least 0. */
export function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** A SHA-256 in lower-case hex; another algorithm's text is not compared with ours. */
export function digest(value: unknown): string | undefined {
  return typeof value === 'string' && /^[0-9a-fA-F]{64}$/.test(value) ? value.toLowerCase() : undefined;
}
