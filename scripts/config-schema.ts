/** Writes deploy/dsx-connect.schema.json: the fields from the code, what they mean from the pages of docs/. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { KINDS } from '../config/connectors/connectors.ts';
import { configSchema } from '../config/json-schema.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
export const SCHEMA_FILE = path.join(ROOT, 'deploy/dsx-connect.schema.json');

/** The schema as it is committed. */
export function schemaText(): string {
  const meanings = new Map<string, string>();
  for (const row of rowsOf('docs/configuration.md')) {
    const [name = '', , meaning = ''] = row;
    const [, place, field] = /^`(.+)\.(\w+)`$/.exec(name) ?? [];
    if (place === 'connectors[]')
      for (const kind of Object.keys(KINDS)) meanings.set(`${kind} ${field}`, plain(meaning));
    else if (place !== undefined) meanings.set(`${place} ${field}`, plain(meaning));
  }
  // The page of a kind says it better than the common one; of several rows of a field the first one is of the settings.
  const own = new Map<string, string>();
  for (const [kind, { shape }] of Object.entries(KINDS)) {
    for (const cells of rowsOf(`docs/connectors/${kind.replaceAll('_', '-')}.md`)) {
      const fields = [...(cells[0] ?? '').matchAll(/`(\w+)`/g)].map(([, field]) => field as string);
      // The meaning is the cell that is no list of old names.
      const meaning = cells.slice(1).find((cell) => /[a-z]{3,} /.test(cell.replaceAll(/`[^`]*`/g, '')));
      for (const field of fields) {
        const key = `${kind} ${field}`;
        if (shape[field] !== undefined && meaning !== undefined && !own.has(key)) own.set(key, plain(meaning));
      }
    }
  }
  const schema = configSchema((place, field) => own.get(`${place} ${field}`) ?? meanings.get(`${place} ${field}`));
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

/** The cells of every row of every table of a page. */
function rowsOf(page: string): string[][] {
  return readFileSync(path.join(ROOT, page), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .replaceAll('\\|', '\u0000')
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.replaceAll('\u0000', '|').trim()),
    );
}

/** Without links and code marks. */
function plain(text: string): string {
  const bare = text.replaceAll(/\[([^\]]+)\]\([^)]+\)/g, '$1').replaceAll('`', '');
  return bare.charAt(0).toUpperCase() + bare.slice(1);
}

if (import.meta.filename === process.argv[1]) writeFileSync(SCHEMA_FILE, schemaText());
