import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { zip } from '../../cli/demo/zip.ts';
import type { Outcome } from '../../domain/outcome.ts';
import { EICAR } from '../support/files.ts';

/** What a full scan of a mixed folder must come to, by location (bytes, one character each). */
export interface Mixed {
  readonly folder: string;
  /** Files beside the folder that links lead to. */
  readonly outside: string;
  readonly expected: ReadonlyMap<string, { readonly outcome: Outcome; readonly reason?: string }>;
  /** SHA-256 of what is malicious. */
  readonly malicious: ReadonlyMap<string, string>;
}

/** Makes about `count` entries of every kind that a share holds, with one malicious file in each hundred, and where it is large `largeBytes`. */
export function makeMixed(base: string, count: number, largeBytes = 32 * 2 ** 20): Mixed {
  const folder = path.join(base, 'mixed');
  const outside = path.join(base, 'outside');
  mkdirSync(outside, { recursive: true });
  writeFileSync(path.join(outside, 'target.txt'), 'It is not in the folder.\n');
  const expected = new Map<string, { outcome: Outcome; reason?: string }>();
  const malicious = new Map<string, string>();
  const made = new Set<string>();
  const put = (name: string | Buffer, data: string | Buffer, outcome: Outcome = 'clean', reason?: string): void => {
    const bytes = Buffer.from(name as string);
    const whole = Buffer.concat([Buffer.from(`${folder}/`), bytes]);
    const parent = whole.subarray(0, whole.lastIndexOf(0x2f));
    if (!made.has(parent.toString('latin1'))) mkdirSync(parent, { recursive: true });
    made.add(parent.toString('latin1'));
    writeFileSync(whole, data);
    expected.set(bytes.toString('latin1'), { outcome, ...(reason !== undefined && { reason }) });
    if (outcome === 'malicious') malicious.set(bytes.toString('latin1'), sha256(Buffer.from(data as string)));
  };
  const named = (prefix: string, bytes: readonly number[], suffix: string): Buffer =>
    Buffer.concat([Buffer.from(prefix), Buffer.from(bytes), Buffer.from(suffix)]);

  for (const name of [
    'line\nbreak',
    '-rf',
    '--help',
    ' space ',
    'tab\t',
    '"quoted"',
    "it's",
    '*',
    '\\',
    '$HOME',
    '%2F',
    '...',
    '.hidden',
  ]) {
    put(`names/${name}`, `It is called ${name}.`);
  }
  for (const name of ['caf\u00e9', 'cafe\u0301', '\u{1f98a}', '\u202egpj.exe', '\u0007']) put(`names/${name}`, name);
  put(`names/${'x'.repeat(255)}`, 'A name of 255 bytes.');
  put(`names/${'\u00e9'.repeat(127)}z`, 'Another one.');
  put(named('names/bad-', [0xff, 0xfe, 0xc3], ''), 'No UTF-8.');
  put(named('names/bad-folder-', [0xe9], '/inside'), 'In a folder that is no UTF-8.');
  put(`${'deep/'.repeat(100)}bottom`, 'A hundred folders down.');
  put('sorted/a.b', '1');
  put('sorted/a/b', '2');
  put('sorted/a0', '3');
  for (const name of ['empty/one', 'empty/two']) put(name, '');
  mkdirSync(path.join(folder, 'empty', 'folder'));

  put('malware/alone.com', EICAR, 'malicious');
  put('malware/line\nbreak.com', EICAR, 'malicious');
  put('malware/-rf', EICAR, 'malicious');
  put(named('malware/bad-', [0xff], '.com'), EICAR, 'malicious');
  put(`malware/${'y'.repeat(255)}`, EICAR, 'malicious');
  put('malware/in.zip', zip([{ name: 'a/b.com', data: Buffer.from(EICAR) }]), 'malicious');
  put('archives/clean.zip', zip([{ name: 'a.txt', data: Buffer.from('harmless') }]));
  const locked = zip([{ name: 'a.com', data: Buffer.from(EICAR), password: 'secret' }]);
  put('archives/locked.zip', locked, 'unscannable', 'encrypted_file');
  put('large/sparse.bin', 'head');
  truncateSync(path.join(folder, 'large/sparse.bin'), largeBytes);

  mkdirSync(path.join(folder, 'links'));
  const links: Record<string, string> = {
    'out-file': path.join(outside, 'target.txt'),
    'out-folder': outside,
    nowhere: 'not-there',
    loop: '.',
    'to-malware': '../malware/alone.com',
  };
  for (const [name, target] of Object.entries(links)) {
    symlinkSync(target, path.join(folder, 'links', name));
    expected.set(`links/${name}`, { outcome: 'skipped', reason: 'link' });
  }
  mkdirSync(path.join(folder, 'special'));
  execFileSync('mkfifo', [path.join(folder, 'special', 'pipe')]);
  expected.set('special/pipe', { outcome: 'skipped', reason: 'special' });

  for (let n = 0; expected.size < count; n += 1) {
    const name = `many/${n % 17}/${n % 5}/file ${n}`;
    if (n % 100 === 99) put(`${name}.com`, EICAR, 'malicious');
    else put(name, `File number ${n}.\n`.repeat(1 + (n % 50)));
  }
  return { folder, outside, expected, malicious };
}

export function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Kind, mode, size, modification time and content of everything in a folder, folders too, by path (bytes, one character each). */
export function snapshot(folder: string): Map<string, string> {
  const facts = new Map<string, string>();
  const walk = (below: Buffer): void => {
    const here = Buffer.concat([Buffer.from(`${folder}/`), below]);
    for (const entry of readdirSync(here, { withFileTypes: true, encoding: 'buffer' })) {
      const name = Buffer.concat([below, entry.name]);
      const whole = Buffer.concat([here, entry.name]);
      const { mode, size, mtimeNs } = lstatSync(whole, { bigint: true });
      if (entry.isDirectory()) {
        // A folder's own times change with what is moved out of it.
        facts.set(name.toString('latin1'), `folder ${mode}`);
        walk(Buffer.concat([name, Buffer.from('/')]));
        continue;
      }
      const content = entry.isFile() ? sha256(readFileSync(whole)) : entry.isSymbolicLink() ? readlinkSync(whole) : '';
      facts.set(name.toString('latin1'), `${mode} ${size} ${mtimeNs} ${content}`);
    }
  };
  walk(Buffer.alloc(0));
  return facts;
}
