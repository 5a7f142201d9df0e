import type { Limits } from '../../domain/limits.ts';
import { limitsText as plainText } from '../../domain/limits-text.ts';
import { visible } from './names.ts';

/** All limits in a line; `none` when there are none. */
export function limitsText(limits: Limits): string {
  return visible(plainText(limits));
}

/** A moment for people: `2026-11-23 22:00Z`. */
export function momentText(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')}Z`;
}
