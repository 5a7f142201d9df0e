import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const LAST = 44;

interface Scenario {
  readonly id: string;
  readonly applies: string;
  readonly proofs: readonly { readonly file: string; readonly title: string }[];
}

const page = readFileSync(path.join(ROOT, 'docs/scenarios.md'), 'utf8');
const scenarios = page
  .split('\n')
  .filter((line) => line.startsWith('| AS'))
  .map((line): Scenario => {
    const [, id = '', , applies = '', shown = ''] = line.split('|').map((cell) => cell.trim());
    const proofs = [...shown.matchAll(/`(test\/[^`]+)`: “([^”]+)”/g)];
    return { id, applies, proofs: proofs.map(([, file = '', title = '']) => ({ file, title })) };
  });

/** The titles of a file's tests, as they are written. */
function titlesOf(file: string): Set<string> {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  const literal = /\b(?:it|test)(?:\.\w+)*(?:<[^>]*>)?\(\s*(?:\[[\s\S]*?\]\)\(\s*)?(['"`])((?:\\.|(?!\1)[\s\S])*)\1/g;
  const each = /\]?\)\(\s*(['"`])((?:\\.|(?!\1)[\s\S])*)\1\s*,/g;
  const found = [...text.matchAll(literal), ...text.matchAll(each)];
  return new Set(found.map(([, , title = '']) => title.replace(/\\(.)/g, '$1')));
}

describe('docs/scenarios.md', () => {
  it('has every scenario once, in order', () => {
    const ids = Array.from({ length: LAST }, (_, i) => `AS${String(i + 1).padStart(2, '0')}`);
    expect(scenarios.map(({ id }) => id)).toEqual(ids);
  });

  it('would notice a title that is gone', () => {
    expect([...titlesOf('test/checks/scenarios.test.ts')]).toContain('has every scenario once, in order');
    expect([...titlesOf('test/checks/scenarios.test.ts')]).not.toContain('const LAST');
  });

  it.each(scenarios)('$id says whether it applies, and names a test if it does', ({ applies, proofs }) => {
    expect(applies).toMatch(/^(yes(: .+)?|(partly|later|no): .+)$/);
    expect(proofs.length > 0).toBe(/^(yes|partly)/.test(applies));
  });

  it.each(scenarios.flatMap(({ id, proofs }) => proofs.map((proof) => ({ id, ...proof }))))(
    '$id: “$title” is a test of $file',
    ({ file, title }) => {
      expect(existsSync(path.join(ROOT, file))).toBe(true);
      expect([...titlesOf(file)]).toContain(title);
    },
  );
});
