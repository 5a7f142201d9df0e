const NUMBER = new Intl.NumberFormat('en-US');
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** A count with thousands separated: `12,345`. */
export function count(n: number): string {
  return NUMBER.format(n);
}

/** A count with its noun: `1 item`, `2 items`. */
export function counted(n: number, noun: string): string {
  return `${count(n)} ${noun}${n === 1 ? '' : 's'}`;
}

/** Bytes in binary units with three digits at most: `4 KiB`, `1.25 GiB`, `999 B`. */
export function bytes(n: number): string {
  let value = n;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : significant(value)} ${UNITS[unit] ?? 'B'}`;
}

/** A rate: `1,234`, `56`, `7.8`, `0.05`. */
export function rate(perSecond: number): string {
  return perSecond >= 1000 ? count(Math.round(perSecond)) : significant(perSecond);
}

/** Seconds for a person: `0.4 s`, `12 s`, `1 m 20 s`, `3 h 05 m`, `2 d 4 h`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '-';
  if (seconds < 9.95) return `${significant(Math.round(seconds * 10) / 10)} s`;
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} m ${pad(s % 60)} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${pad(Math.floor((s % 3600) / 60))} m`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

/** Seconds between two ISO 8601 times, never negative; `to` defaults to now. */
export function secondsBetween(from: string, to: string | undefined): number {
  const end = to === undefined ? Date.now() : Date.parse(to);
  const seconds = (end - Date.parse(from)) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, Math.round(seconds * 1000) / 1000) : 0;
}

function significant(value: number): string {
  if (value >= 100) return Math.round(value).toString();
  const digits = value >= 10 ? 1 : 2;
  return Number(value.toFixed(digits)).toString();
}

function pad(n: number): string {
  return n.toString().padStart(2, '0');
}
