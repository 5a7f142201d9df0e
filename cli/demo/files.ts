import { zip } from './zip.ts';

/** How a file of the sample is expected to end. */
export type Expected = 'clean' | 'malicious' | 'unscannable' | 'skipped';

/** One file of the sample. `size` larger than the data makes it sparse. */
export interface SampleFile {
  /** Path below the sample, as bytes. */
  readonly path: Buffer;
  readonly data: Buffer;
  readonly size?: number;
  readonly expected: Expected;
}

/** The EICAR test file: harmless, and taken for malware by every scanner. In pieces, so that this source is not. */
export function eicar(): Buffer {
  return Buffer.from(['X5O!P%@AP[4\\PZX54(P^)7CC)7}$', 'EICAR-STANDARD-', 'ANTIVIRUS-TEST', '-FILE!$H+H*'].join(''));
}

/** The files of the sample. `maxSize`: bytes above which the scan skips a file. */
export function sampleFiles(maxSize: number): SampleFile[] {
  const files: SampleFile[] = [];
  const add = (path: string | Buffer, data: string | Buffer, expected: Expected = 'clean', size?: number): void => {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    files.push({ path: Buffer.from(path as string), data: bytes, expected, ...(size !== undefined && { size }) });
  };
  documents(add);
  oddNames(add);
  add('empty/nothing.txt', '');
  add('empty/.keep', '');
  add('malware/invoice.pdf.com', eicar(), 'malicious');
  add('malware/again/copy of invoice.com', eicar(), 'malicious');
  add('malware/attachments.zip', zip([text('readme.txt'), { name: 'inner/run.com', data: eicar() }]), 'malicious');
  add('malware/-f "x" \n\u{1F9A0}.com', eicar(), 'malicious');
  add(Buffer.concat([Buffer.from('malware/bad-'), Buffer.of(0xff, 0xc3), Buffer.from('.com')]), eicar(), 'malicious');
  add('archives/letters.zip', zip([text('one.txt'), text('folder/two.txt')]));
  add('archives/locked.zip', zip([{ ...text('secret.txt'), password: 'open sesame' }]), 'unscannable');
  add('large/at-the-limit.bin', '', 'clean', maxSize);
  add('large/above-the-limit.bin', 'head', 'skipped', maxSize + 1);
  return files;
}

type Add = (path: string | Buffer, data: string | Buffer, expected?: Expected, size?: number) => void;

function documents(add: Add): void {
  add('README.txt', 'Files to try dsx-connect with. Nothing here is dangerous.\n');
  add('documents/letter.txt', 'Dear reader,\n\nall is well.\n');
  add('documents/report.pdf', '%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< >>\n%%EOF\n');
  add('documents/table.csv', 'month,amount\n1,100\n2,200\n');
  add('documents/page.html', '<!doctype html><title>Page</title><p>Hello.</p>\n');
  add('documents/2024/q1/plan.md', '# Plan\n\n- first\n- second\n');
  add('documents/2024/q1.txt', 'Sorts between a folder and what it holds.\n');
  add('documents/2024/q2/long.log', 'one line of a long log, again and again\n'.repeat(8_000));
  add('documents/picture.png', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'));
  for (let n = 1; n <= 60; n += 1) add(`documents/many/note-${n}.txt`, `Note number ${n}.\n`);
  add(`${'deep/'.repeat(60)}bottom.txt`, 'Sixty folders down.\n');
}

function oddNames(add: Add): void {
  const names = [
    'line\nbreak.txt',
    '-rf',
    '--help',
    `it's "quoted".txt`,
    '\u{1F98A} fox.txt',
    'caf\u00e9.txt',
    'trailing space ',
    ' leading space',
    'tab\there.txt',
    '$HOME.txt',
    '*.txt',
    'back\\slash.txt',
    'percent%20.txt',
    '.hidden',
    '...',
    'right\u202eto-left.txt',
    'bell\u0007.txt',
    'x'.repeat(255),
    `${'\u00e9'.repeat(127)}z`,
  ];
  for (const name of names) add(`names/${name}`, `A file called ${JSON.stringify(name)}.\n`);
  add('names/decomposed/cafe\u0301.txt', 'Its name is spelled with a combining accent.\n');
  add(Buffer.concat([Buffer.from('names/bytes-'), Buffer.of(0xfe, 0x80, 0x2d, 0xff)]), 'Its name is not UTF-8.\n');
  add(
    Buffer.concat([Buffer.from('names/folder-'), Buffer.of(0xe9), Buffer.from('/inside.txt')]),
    'In such a folder.\n',
  );
}

function text(name: string): { name: string; data: Buffer } {
  return { name, data: Buffer.from(`This is ${name}.\n`.repeat(40)) };
}
