const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** Seconds of a length of time as people write it: `90s`, `30m`, `1h`, `2 d`; `h` alone is `1h`. Undefined: not one. */
export function parseSeconds(text: string): number | undefined {
  const [, digits, unit] = /^(\d{0,9})\s*([smhd])$/i.exec(text.trim()) ?? [];
  const factor = UNITS[unit?.toLowerCase() ?? ''];
  if (factor === undefined) return undefined;
  const seconds = (digits === '' ? 1 : Number(digits)) * factor;
  return seconds > 0 ? seconds : undefined;
}

/** A length of time in the largest unit that says it in whole numbers: `1d`, `90m`, `5s`. */
export function secondsText(seconds: number): string {
  const [unit, factor] = Object.entries(UNITS).findLast(([, size]) => seconds % size === 0) ?? ['s', 1];
  return `${seconds / factor}${unit}`;
}
