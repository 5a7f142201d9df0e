import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Outcome } from '../../domain/outcome.ts';
import { EICAR } from '../../scanner/standin/eicar.ts';
import { type Random, randomOf } from './random.ts';

/** What a file of the corpus must come to. */
export interface Expected {
  readonly outcome: Extract<Outcome, 'clean' | 'malicious' | 'skipped'>;
  /** Of the whole bytes; absent for what is not scanned. */
  readonly sha256?: string;
  readonly size?: number;
}

/** A generated folder: its entries by location, as bytes, one character each. */
export interface Corpus {
  readonly folder: string;
  readonly items: ReadonlyMap<string, Expected>;
}

const FOLDER_ITEMS = 60;
const MIB = 2 ** 20;
const ODD = [
  'line\nbreak',
  ' spaces around ',
  'quote"quote',
  "it's",
  'back\\slash',
  'percent%0A%2F',
  'ünïcödé',
  'u\u0308nicode decomposed',
  '文書',
  '🧪',
  '-rf',
  '.hidden',
  'semi;colon&amp',
  '*',
  'tab\there',
  '[0]',
  '{a,b}',
  '~',
  'CON',
  'trailing dot.',
];

/**
 * Makes the folder of job number `job`: odd names, empty files, EICARs, links, sizes up to some MiB. The same seed makes the same
 * bytes under the same names.
 */
export function makeCorpus(folder: string, seed: number, job: number, count: number): Corpus {
  const random = randomOf('corpus', seed, job, count);
  const items = new Map<string, Expected>();
  let here = Buffer.alloc(0);
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < count; i++) {
    if (i % FOLDER_ITEMS === 0) {
      here = Buffer.from(`d${String(i / FOLDER_ITEMS).padStart(4, '0')}${random.chance(0.2) ? random.pick(ODD) : ''}/`);
      mkdirSync(Buffer.concat([Buffer.from(`${folder}/`), here]), { recursive: true });
    }
    const location = Buffer.concat([here, nameOf(i, random)]);
    const at = Buffer.concat([Buffer.from(`${folder}/`), location]);
    const key = location.toString('latin1');
    if (random.chance(0.004)) {
      symlinkSync(path.join(folder, 'nowhere'), at);
      items.set(key, { outcome: 'skipped' });
      continue;
    }
    const bad = random.chance(0.006);
    const data = bad ? eicar(random) : contentOf(seed, job, i, random);
    writeFileSync(at, data);
    const sha256 = createHash('sha256').update(data).digest('hex');
    items.set(key, { outcome: bad ? 'malicious' : 'clean', sha256, size: data.length });
  }
  return { folder, items };
}

/** A name unlike every other of the folder; one in fourteen is odd, some are not UTF-8, some as long as names may be. */
function nameOf(i: number, random: Random): Buffer {
  const plain = `f${String(i).padStart(6, '0')}`;
  if (!random.chance(0.07)) return Buffer.from(`${plain}.${random.pick(['txt', 'pdf', 'bin', 'docx', 'exe'])}`);
  const kind = random.int(0, 9);
  if (kind === 0) return Buffer.concat([Buffer.from(plain), Buffer.from([0xff, 0xfe, 0x80]), Buffer.from('.bin')]);
  if (kind === 1) return Buffer.from(plain.padEnd(255, 'x'));
  return Buffer.from(`${plain} ${random.pick(ODD)}`);
}

function eicar(random: Random): Buffer {
  return random.chance(0.3) ? Buffer.concat([EICAR, Buffer.from('\n')]) : EICAR;
}

/** Nine in ten up to 6 KiB, then up to 100 KiB, then some MiB; one in a hundred is empty. */
function contentOf(seed: number, job: number, i: number, random: Random): Buffer {
  if (random.chance(0.01)) return Buffer.alloc(0);
  const roll = random.next();
  const size =
    roll < 0.9 ? random.int(1, 6_000) : roll < 0.9985 ? random.int(6_000, 100_000) : random.int(MIB, 4 * MIB);
  const head = `chaos ${seed} ${job} ${i} `;
  const block = Buffer.from(createHash('sha256').update(head).digest('hex').repeat(64));
  const data = Buffer.alloc(Math.max(size, head.length));
  for (let at = 0; at < data.length; at += block.length) block.copy(data, at);
  data.write(head);
  return data;
}
