import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { FilterError, parseFilter } from '../../domain/filter/filter.ts';

const page = readFileSync(path.join(import.meta.dirname, '../../docs/filters.md'), 'utf8');

function section(title: string): string {
  const from = page.indexOf(`## ${title}`);
  const to = page.indexOf('\n## ', from + 1);
  return page.slice(from, to < 0 ? undefined : to);
}

/** The code spans of a table's column (0 for the first), row by row. */
function column(title: string, index: number): string[][] {
  const rows = section(title)
    .split('\n')
    .filter((line) => /^\| [`"]/.test(line));
  return rows.map((row) => [...(row.split(' | ')[index] ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''));
}

function codeOf(text: string): string {
  try {
    parseFilter(text);
  } catch (error) {
    if (error instanceof FilterError) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('docs/filters.md', () => {
  const examples = column('In short', 0).flat();
  it('shows filters that parse', () => {
    expect(examples.length).toBeGreaterThan(15);
    for (const text of examples) expect(codeOf(text), text).toBe('accepted');
  });

  it('shows refusals that are refused for the reason told', () => {
    const codes = column('What is refused', 0).flat();
    const refused = column('What is refused', 1);
    expect(codes).toContain('parent_segment');
    for (const [row, texts] of refused.entries()) for (const text of texts) expect(codeOf(text), text).toBe(codes[row]);
  });

  const facts: readonly [string, string, boolean][] = [
    ['reports', 'reports', true],
    ['reports', 'reports/a/b', true],
    ['reports', 'x/reports/a', false],
    ['reports/', 'reports', false],
    ['reports/*', 'reports/a/b', false],
    ['/*.docx', 'a.docx', true],
    ['/*.docx', 'x/a.docx', false],
    ['reports/**/*.docx', 'reports/a.docx', true],
    ['-/tmp', 'x/tmp/a', true],
    ['-*.log', 'x.log/a', false],
    ['*.zip, *.docx -tmp', 'x/tmp/a.zip', false],
    ['+reports/** -**', 'reports/a', true],
    ['+reports/** -**', 'other', false],
    [`"My Documents" -'old stuff'`, 'My Documents/old stuff/a', false],
    [`-'-dash'`, 'x/-dash/y', false],
  ];
  it.each(facts)('%j on %j: %s', (filter, location, want) => {
    expect(parseFilter(filter).includes(location)).toBe(want);
  });
});
