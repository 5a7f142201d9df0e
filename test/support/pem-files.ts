import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { certificateFrom, type TlsPair } from '../../scripts/servers/graph/certificate.ts';

export const DAY_MS = 86_400_000;

/** A certificate that can be used now; or that began so many days ago (and lasts 30). */
export function pair(startedDaysAgo = 1): TlsPair {
  return certificateFrom(new Date(Date.now() - startedDaysAgo * DAY_MS));
}

/** A folder of PEM files. */
export class PemFolder {
  readonly path = mkdtempSync(path.join(tmpdir(), 'dsx-pem-'));

  write(name: string, text: string): string {
    const file = path.join(this.path, name);
    writeFileSync(file, text);
    return file;
  }

  /** Certificate and key as two files. */
  pair(name: string, { cert, key }: TlsPair): { certFile: string; keyFile: string } {
    return { certFile: this.write(`${name}.pem`, cert), keyFile: this.write(`${name}.key`, key) };
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
