import { createHash } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { createScanner, type ScannerSettings } from '../../scanner/client.ts';
import { ScannerError } from '../../scanner/errors.ts';
import type { Scanner } from '../../scanner/scanner.ts';
import type { StandinOptions } from '../../scanner/standin/options.ts';
import { type Standin, startStandin } from '../../scanner/standin/server.ts';

/** A signal that nobody aborts. */
export const calm = new AbortController().signal;

/** A stand-in and a scanner that speaks to it, both gone at the end of the test. */
export async function pair(
  options: StandinOptions = {},
  settings: Partial<ScannerSettings> = {},
): Promise<{ standin: Standin; scanner: Scanner }> {
  const standin = await startStandin(options);
  onTestFinished(() => standin.stop());
  return { standin, scanner: scannerAt(standin.url, settings) };
}

export function scannerAt(url: string, settings: Partial<ScannerSettings> = {}): Scanner {
  const scanner = createScanner({ name: 'test', url, allowStandIn: true, random: () => 0.5, ...settings });
  onTestFinished(() => scanner.close());
  return scanner;
}

/** A body of these chunks; the array a reader filled last is filled with rubbish when the next is asked for. */
export async function* chunks(...parts: readonly (Uint8Array | string)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    const chunk = Uint8Array.from(Buffer.from(part as string));
    yield chunk;
    chunk.fill(0xee);
  }
}

/** `size` bytes of a pattern, in pieces of 64 KiB, all from one buffer that is written anew for each. */
export async function* pattern(size: number): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(65_536);
  for (let at = 0; at < size; at += buffer.length) {
    buffer.fill(at / buffer.length);
    yield buffer.subarray(0, Math.min(buffer.length, size - at));
  }
}

export function patternHash(size: number): string {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(65_536);
  for (let at = 0; at < size; at += buffer.length) {
    hash.update(buffer.fill(at / buffer.length).subarray(0, Math.min(buffer.length, size - at)));
  }
  return hash.digest('hex');
}

/** Scans a small body that is there at once. */
export function scanText(
  scanner: Scanner,
  text: string | Uint8Array,
  extra: { attempt?: number; metadata?: Record<string, string> } = {},
) {
  const data = Buffer.from(text as string);
  return scanner.scan({ size: data.length, body: chunks(data), ...extra }, calm);
}

/** The ScannerError that a scan ends with. */
export async function failureOf(scan: Promise<unknown>): Promise<ScannerError> {
  try {
    await scan;
  } catch (error) {
    if (error instanceof ScannerError) return error;
    throw error;
  }
  throw new Error('the scan succeeded');
}
