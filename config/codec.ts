import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { ConfigProblem } from './errors.ts';
import { absolutePath } from './fields.ts';
import { type NamedBy, unreadable } from './files.ts';
import { Secret } from './secret.ts';

/** One key that payloads are encrypted with. */
export interface CodecKey {
  /** Stands beside what it has encrypted, readable. */
  readonly id: string;
  /** Base64 of 32 bytes. */
  readonly key: Secret;
}

/** Bytes of an AES-256 key. */
const KEY_BYTES = 32;
const MAKE = 'make one with: openssl rand -base64 32';

/** The variables of the payload codec. */
export const codecShape = {
  DSXCONNECT_CODEC_KEYS: z.string().optional(),
  DSXCONNECT_CODEC_KEYS_FILE: absolutePath.optional(),
};
type CodecVariables = z.output<z.ZodObject<typeof codecShape>>;

/** The keys, the one that encrypts first. Problems are added to the list, and never hold a key. */
export function buildCodec(set: CodecVariables, problems: ConfigProblem[]): readonly CodecKey[] {
  const { DSXCONNECT_CODEC_KEYS: text, DSXCONNECT_CODEC_KEYS_FILE: file } = set;
  if (text !== undefined && file !== undefined) {
    const beside = 'is set beside DSXCONNECT_CODEC_KEYS_FILE; keep the file';
    problems.push({ code: 'conflicting_variables', variable: 'DSXCONNECT_CODEC_KEYS', text: beside });
    return [];
  }
  if (text !== undefined) return parse(text.split(','), { variable: 'DSXCONNECT_CODEC_KEYS' }, 'entry', problems);
  if (file === undefined) return [];
  const by = { variable: 'DSXCONNECT_CODEC_KEYS_FILE' };
  const problem = unreadable(file, by);
  if (problem === undefined) return parse(readFileSync(file, 'utf8').split('\n'), by, `${file} line`, problems);
  problems.push(problem);
  return [];
}

function parse(lines: readonly string[], by: NamedBy, what: string, problems: ConfigProblem[]): CodecKey[] {
  const keys: CodecKey[] = [];
  const refuse = (text: string) => problems.push({ code: 'invalid_variable', ...by, text });
  for (const [index, line] of lines.entries()) {
    const entry = line.trim();
    if (entry === '' || entry.startsWith('#')) continue;
    const [, id, key = ''] = /^([A-Za-z0-9._-]{1,64}):([A-Za-z0-9+/]+={0,2})$/.exec(entry) ?? [];
    const at = `${what} ${index + 1}`;
    if (id === undefined) {
      refuse(`${at}: must be id:key, the id of letters, digits, ".", "_" and "-", the key in base64; ${MAKE}`);
    } else if (Buffer.from(key, 'base64').length !== KEY_BYTES) {
      refuse(`${at}: the key ${id} must have ${KEY_BYTES} bytes; ${MAKE}`);
    } else if (keys.some((other) => other.id === id)) {
      refuse(`${at}: there is a key ${id} already; a new key needs an id of its own`);
    } else {
      keys.push({ id, key: new Secret(key) });
    }
  }
  if (keys.length === 0 && problems.length === 0) refuse(`holds no key; ${MAKE}`);
  return keys;
}
