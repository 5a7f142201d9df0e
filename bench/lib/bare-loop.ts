import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Pool } from 'undici';

/**
 * The bare loop that a scan is measured against: list a folder, read each file, POST it to the scanner, parse the answer; so
 * many at once; no account, no check, nothing durable. The same pool settings as the product's scanner client.
 *
 * node bench/lib/bare-loop.ts FOLDER SCANNER_URL AT_ONCE
 */
const [folder = '', url = '', atOnce = '32'] = process.argv.slice(2);
const pool = new Pool(new URL(url).origin, { connections: Number(atOnce), pipelining: 1, keepAliveTimeout: 1_000 });
const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => path.join(entry.parentPath, entry.name));
let next = 0;
let clean = 0;

async function runner(): Promise<void> {
  for (let file = files[next++]; file !== undefined; file = files[next++]) {
    const body = await readFile(file);
    const answer = await pool.request({
      method: 'POST',
      path: '/scan/binary/v2',
      headers: { 'content-type': 'application/octet-stream' },
      body,
    });
    const verdict = (await answer.body.json()) as { verdict: string };
    if (verdict.verdict === 'Benign') clean += 1;
  }
}

await Promise.all(Array.from({ length: Number(atOnce) }, runner));
await pool.close();
console.log(JSON.stringify({ files: files.length, clean }));
if (clean !== files.length) process.exitCode = 1;
