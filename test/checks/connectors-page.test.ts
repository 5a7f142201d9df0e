import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { AZURITE_GAPS } from '../connectors/azure-blob-store.ts';
import { WITHOUT } from '../connectors/graph-store.ts';
import { MOTO_GAPS, SEAWEEDFS_GAPS, SEAWEEDFS_GAPS_OF_VERSIONS } from '../connectors/s3-gaps.ts';
import { titlesOf } from './proofs.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');
const PAGE = read('docs/connectors.md');
const rows = PAGE.split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

/** What an excuse is called in the options of the suites. What is not one of them asks for less of no storage. */
const OPTIONS = [
  'actions',
  'actionsOnly',
  'contentVersions',
  'ordered',
  'requestsBefore',
  'unconditional',
  'versionsListed',
  'without',
  'withoutActions',
];
/** The columns of the suites, and the files that run them there. */
const RUNS: readonly (readonly [string, readonly string[]])[] = [
  ['filesystem', ['filesystem-conformance']],
  ['memory', ['memory-connector']],
  ['SeaweedFS', ['aws-s3-unversioned', 'aws-s3-versioned']],
  ['moto', ['aws-s3-names']],
  ['Azurite', ['azure-blob-conformance', 'azure-blob-http']],
  ['fake-gcs', ['google-cloud-storage-conformance', 'google-cloud-storage-http']],
  ['Graph', ['graph-conformance']],
];
/** Where each kind is, and its column and row. */
const KINDS = [
  ['filesystem', '`filesystem`'],
  ['aws-s3', '`aws_s3`'],
  ['azure-blob', '`azure_blob_storage`'],
  ['google-cloud-storage', '`google_cloud_storage`'],
  ['graph', '`sharepoint`, `onedrive`'],
] as const;
const SUITES = ['conformance', 'http-conformance'] as const;

const textOf = (file: string): string => read(`test/connectors/${file}.ts`);
const suiteFiles = readdirSync(path.join(ROOT, 'test/connectors'))
  .filter(
    (file) => file.endsWith('.test.ts') && /\b(connector|http)Conformance\(/.test(read(`test/connectors/${file}`)),
  )
  .sort();
const optionsOf = (file: string): string[] =>
  OPTIONS.filter((option) => new RegExp(`\\b${option}(: |,)`).test(read(`test/connectors/${file}`)));

/** A check of a suite, under the heading that it has there. */
function checks(suite: (typeof SUITES)[number]): { suite: string; heading: string; title: string }[] {
  const text = textOf(suite);
  const headings = [...text.matchAll(/describe\(`\$\{name\}: ([^`]+)`/g)];
  return [...titlesOf(`test/connectors/${suite}.ts`)]
    .filter((title) => title !== '%s')
    .map((title) => {
      const at = text.indexOf(`'${title}'`);
      const heading = headings.filter(({ index }) => index < at).at(-1)?.[1] ?? '';
      return { suite, heading, title };
    });
}

const all = SUITES.flatMap(checks);
const isRun = (files: readonly string[], { suite, heading }: (typeof all)[number]): boolean => {
  const texts = files.map((file) => textOf(`${file}.test`));
  if (suite === 'http-conformance') return texts.some((text) => text.includes('httpConformance('));
  if (!/action/.test(heading)) return true;
  return texts.some((text) => text.includes('connectorConformance(') && !text.includes('withoutActions'));
};
const shown = (name: Buffer): string => {
  const text = name.toString('utf8');
  if (/^(.)\1{99,}$/.test(text)) return `"${text[0]}" × ${text.length}`;
  return JSON.stringify(text).replace(/[^ -~]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
};

describe('docs/connectors.md', () => {
  it('names every storage of the suites', () => {
    expect(RUNS.flatMap(([, files]) => files.map((file) => `${file}.test.ts`)).sort()).toEqual(
      suiteFiles.filter((file) => file !== 'filesystem-quarantine.test.ts'),
    );
    expect(rows).toContainEqual(['check', ...RUNS.map(([storage]) => storage)]);
  });

  it.each(all)('tells of “$title” of $suite, under its heading', (check) => {
    const at = rows.findIndex(([first]) => first === `“${check.title}”`);
    expect(rows.filter(([first]) => first === `“${check.title}”`)).toHaveLength(1);
    const heading = rows.slice(0, at).findLast(([first = '']) => first.startsWith('**'))?.[0];
    expect(heading).toBe(`**${check.heading}**`);
    const cells = rows[at]?.slice(1) ?? [];
    expect(cells).toHaveLength(RUNS.length);
    for (const [index, [, files]] of RUNS.entries()) {
      const [mark = '', ...notes] = cells[index]?.split(' ') ?? [];
      // A check that a run leaves out for one of its options says which.
      if (notes.length === 0) expect(mark).toBe(isRun(files, check) ? '✓' : '–');
      else expect(isRun(files, check) ? ['✓', '–'] : ['–']).toContain(mark);
      for (const note of notes) expect(PAGE).toContain(`\n- **${note}**: `);
    }
  });

  it('has no check that is not there', () => {
    const told = rows.flatMap(([first = '']) => [...first.matchAll(/^“(.+)”$/g)].map(([, title]) => title));
    expect(told.filter((title) => !all.some((check) => check.title === title))).toEqual([]);
  });

  it.each(suiteFiles.filter((file) => optionsOf(file).length > 0))('tells what %s leaves out', (file) => {
    const row = rows.find(([first]) => first === `\`${file}\``);
    expect(row?.[1]?.split(', ')).toEqual(optionsOf(file).map((option) => `\`${option}\``));
    expect(row?.[2]).not.toBe('');
  });

  it.each([
    ['SeaweedFS', SEAWEEDFS_GAPS],
    ['SeaweedFS, versions', SEAWEEDFS_GAPS_OF_VERSIONS],
    ['moto', MOTO_GAPS],
    ['Azurite', AZURITE_GAPS],
    ['fake-gcs', []],
    ['Graph', WITHOUT],
  ])('tells the names that %s is not asked for', (server, names) => {
    const row = rows.find(([first, told = '']) => first === server && /^(`".*)?$/.test(told));
    expect(row?.[1]).toBe(names.map((name) => `\`${shown(name)}\``).join(', '));
  });

  it.each(KINDS)('tells what %s can do, as the connector says it', (folder, heading) => {
    const code = read(`connectors/${folder}/connector.ts`);
    const has = (what: RegExp): string => what.exec(code)?.[1] ?? '';
    const [title = [], ...told] = rows.slice(rows.findIndex((row) => row[0] === '' && row.includes('`filesystem`')));
    const cellOf = (row: string): string => told.find(([first]) => first === row)?.[title.indexOf(heading)] ?? '';
    const actions = has(/ actions: \[([^\]]+)\]/);
    for (const action of ['delete', 'move', 'tag', 'movetag']) {
      expect(cellOf(`\`${action}\``)[0]).toBe(actions.includes(`'${action}'`) ? '✓' : '–');
    }
    expect(cellOf('[restore](quarantine.md) of what was moved')[0]).toBe(has(/ restore: (\w+)/) === 'true' ? '✓' : '–');
    expect(cellOf('order of a listing') === "Graph's own").toBe(has(/ ordered: (\w+)/) === 'false');
    const protectedBy = rows.find(([first, cell = '']) => first === heading && /^(enforced|checked)/.test(cell));
    expect(protectedBy?.[1]?.split(':')[0]).toBe(has(/ conditional: '(\w+)'/));
  });

  it('links to the page of each kind', () => {
    for (const page of readdirSync(path.join(ROOT, 'docs/connectors'))) expect(PAGE).toContain(`](connectors/${page})`);
  });
});
