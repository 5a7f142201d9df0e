import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** The EICAR test file's 68 bytes, put together here so that no file of the repository is the test file itself. */
export const EICAR = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}', '$EICAR-STANDARD', '-ANTIVIRUS-TEST-FILE!$H+H*'].join('');

/** Writes `count` small files, 100 to a folder, each unlike the others. Returns their locations. */
export function writeMany(folder: string, count: number, bytes = 200): string[] {
  const locations: string[] = [];
  for (let i = 0; i < count; i++) {
    const sub = `d${String(Math.floor(i / 100)).padStart(4, '0')}`;
    if (i % 100 === 0) mkdirSync(path.join(folder, sub), { recursive: true });
    const location = `${sub}/f${String(i).padStart(6, '0')}.txt`;
    writeFileSync(path.join(folder, location), `file ${i} `.padEnd(bytes, '.'));
    locations.push(location);
  }
  return locations;
}

/** Writes files by location, making the folders on the way. */
export function writeFiles(folder: string, files: Readonly<Record<string, string | Buffer>>): void {
  for (const [location, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, location)), { recursive: true });
    writeFileSync(path.join(folder, location), content);
  }
}
