import { type ItemRef, locationBytes } from './item.ts';

/**
 * Which of two locations comes first in the order of their bytes, as ordered listings have it.
 * @returns below 0, 0 or above 0
 */
export function compareLocations(a: ItemRef, b: ItemRef): number {
  if (a.locationBytes !== undefined || b.locationBytes !== undefined) {
    return Buffer.compare(locationBytes(a), locationBytes(b));
  }
  return compareText(a.location, b.location);
}

/** By code point, which is the order of the UTF-8 bytes. The units of pairs stand for what is above all others. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (x !== y) return weight(x) - weight(y);
  }
  return a.length - b.length;
}

function weight(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
