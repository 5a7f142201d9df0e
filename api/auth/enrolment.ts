import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { digest } from './key-text.ts';

/** Shortest enrolment token, in characters: those that came with the former product's examples are shorter, and everybody knows them. */
export const LEAST_TOKEN = 16;

/** The token of a connector that registers: `X-Enrollment-Token`, else `Authorization: Bearer`. */
export function enrolmentToken(headers: IncomingHttpHeaders): string | undefined {
  const own = headers['x-enrollment-token'];
  if (typeof own === 'string' && own !== '') return own;
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
}

/** Whether a token is one of those that let in. All are compared, by digest, so that time tells nothing. */
export function mayEnrol(given: string | undefined, tokens: readonly string[]): boolean {
  const ours = digest(given ?? '');
  let found = false;
  for (const token of tokens) {
    const same = timingSafeEqual(digest(token), ours);
    found ||= same && given !== undefined && token.length >= LEAST_TOKEN;
  }
  return found;
}
