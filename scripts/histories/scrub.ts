import { hostname } from 'node:os';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');

/**
 * Takes out of a history's JSON what tells where it was recorded: the folder of the recording becomes `/srv`, the installation
 * `/opt/dsx-connect`, every worker `worker@host`. Payloads are looked into, as far as they are text.
 *
 * @param home folder that the recording worked in
 */
export function scrub(json: unknown, home: string): unknown {
  const words: readonly (readonly [RegExp, string])[] = [
    [new RegExp(quote(home), 'g'), '/srv'],
    [new RegExp(quote(ROOT), 'g'), '/opt/dsx-connect'],
    // Stack traces of the SDK: where it is installed says nothing.
    [/(?:file:\/\/)?\/[^\s():"\\]*\/node_modules\//g, 'node_modules/'],
    [/\d+@[\w.-]+/g, 'worker@host'],
    [new RegExp(`\\b${quote(hostname())}\\b`, 'g'), 'host'],
  ];
  const clean = (text: string) => words.reduce((now, [what, instead]) => now.replace(what, instead), text);
  return walk(json, clean);
}

function walk(value: unknown, clean: (text: string) => string): unknown {
  if (typeof value === 'string') return clean(value);
  if (Array.isArray(value)) return value.map((item) => walk(item, clean));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [
      key,
      key === 'data' && typeof field === 'string' ? payload(field, clean) : walk(field, clean),
    ]),
  );
}

/** A payload's bytes, in base64. Those that are no text stay as they are. */
function payload(data: string, clean: (text: string) => string): string {
  const bytes = Buffer.from(data, 'base64');
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? Buffer.from(clean(text), 'utf8').toString('base64') : data;
}

function quote(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
