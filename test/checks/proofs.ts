import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');

interface Line {
  readonly id: string;
  readonly applies: string;
  readonly proofs: readonly { readonly file: string; readonly title: string }[];
}

/** The rows of a page's tables whose first cell is an id: `| id | what | whether it applies | tests |`. */
function linesOf(page: string, id: RegExp): Line[] {
  return readFileSync(path.join(ROOT, page), 'utf8')
    .split('\n')
    .filter((line) => id.test(line.split('|')[1]?.trim() ?? ''))
    .map((line): Line => {
      const [, id = '', , applies = '', shown = ''] = line.split('|').map((cell) => cell.trim());
      const proofs = [...shown.matchAll(/`(test\/[^`]+)`: “([^”]+)”/g)];
      return { id, applies, proofs: proofs.map(([, file = '', title = '']) => ({ file, title })) };
    });
}

/** The titles of a file's tests, as they are written. */
export function titlesOf(file: string): Set<string> {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  const literal = /\b(?:it|test)(?:\.\w+)*(?:<[^>]*>)?\(\s*(['"`])((?:\\.|(?!\1)[\s\S])*)\1/g;
  const each = /\)\(\s*(['"`])((?:\\.|(?!\1)[\s\S])*)\1\s*,/g;
  const found = [...text.matchAll(literal), ...text.matchAll(each)];
  return new Set(found.map(([, , title = '']) => title.replace(/\\(.)/g, '$1')));
}

/** A page that names, for each of `ids`, the tests that show it: it has them all in order, and every test that it names is there. */
export function proofsOf(page: string, ids: readonly string[]): void {
  const lines = linesOf(page, new RegExp(`^(${ids.join('|')})$`));

  describe(page, () => {
    it('has every line once, in order', () => {
      expect(lines.map(({ id }) => id)).toEqual(ids);
    });

    it.each(lines)('$id says whether it applies, and names a test if it does', ({ applies, proofs }) => {
      expect(applies).toMatch(/^(yes(: .+)?|(partly|later|no): .+)$/);
      expect(proofs.length > 0).toBe(/^(yes|partly)/.test(applies));
    });

    it.each(lines.flatMap(({ id, proofs }) => proofs.map((proof) => ({ id, ...proof }))))(
      '$id: “$title” is a test of $file',
      ({ file, title }) => {
        expect(existsSync(path.join(ROOT, file))).toBe(true);
        expect([...titlesOf(file)]).toContain(title);
      },
    );
  });
}
