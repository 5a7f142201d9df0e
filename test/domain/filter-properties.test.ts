import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFilter } from '../../domain/filter/filter.ts';
import { type PatternSpec, referenceIncludes, writeSpecs } from './filter-reference.ts';

/** Few characters, so that patterns and names meet often. Names may be empty: keys of buckets have such. */
const piece = fc.constantFrom('a', 'b', 'ab', 'é', 'e\u0301', '.x', 'K', '\u212a', '\ufffd', '😀', '\n', ' ');
const name = fc.array(piece, { maxLength: 3 }).map((parts) => parts.join(''));
const location = fc.array(name, { minLength: 1, maxLength: 5 }).map((names) => names.join('/'));

const plain = fc.constantFrom('a', 'b', 'ab', 'K', '.x');
const globPart = fc.constantFrom('a', 'b', 'é', '*', '*', '?', '[ab]', '[!ab]', '[!😀]', '😀');
const segment = fc.oneof(
  { weight: 3, arbitrary: plain },
  {
    weight: 2,
    arbitrary: fc.array(globPart, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('').replace(/\*+/g, '*')),
  },
  { weight: 1, arbitrary: fc.constantFrom('*', '**') },
);
const spec: fc.Arbitrary<PatternSpec> = fc.record({
  exclude: fc.boolean(),
  rooted: fc.boolean(),
  trailing: fc.boolean(),
  segments: fc.array(segment, { minLength: 1, maxLength: 4 }),
});
const specs = fc.array(spec, { maxLength: 4 });

/** Locations made from the patterns themselves, so that matches are common. */
const related = specs.chain((list) =>
  fc.record({
    list: fc.constant(list),
    location: fc.oneof(
      location,
      fc
        .tuple(fc.constantFrom(...(list.length > 0 ? list : [{ segments: ['a'] }])), fc.array(plain, { maxLength: 2 }))
        .map(
          ([one, more]) =>
            [
              ...one.segments.filter((s) => s !== '**').map((s) => s.replace(/\[.*?\]/g, 'a').replace(/[*?]/g, 'b')),
              ...more,
            ].join('/') || 'a',
        ),
    ),
  }),
);

describe('filters', () => {
  it('name the exclude that leaves a location or a folder out, and no other', () => {
    let named = 0;
    fc.assert(
      fc.property(related, ({ list, location }) => {
        const filter = parseFilter(writeSpecs(list));
        const rule = filter.excludedBy(location);
        if (rule !== undefined) {
          named += 1;
          expect(filter.includes(location)).toBe(false);
          expect(parseFilter(rule).includes(location)).toBe(false);
        } else if (!list.some(({ exclude }) => !exclude)) {
          expect(filter.includes(location)).toBe(true);
        }
        if (filter.excludedBy(`${location}/`) !== undefined) {
          expect(filter.mayEnter(`${location}/`)).toBe(false);
          expect(filter.includes(`${location}/anything`)).toBe(false);
        }
      }),
      { numRuns: 3000, seed: 1 },
    );
    expect(named).toBeGreaterThan(300);
  });

  it('agree with the slow reading of the grammar', () => {
    let inside = 0;
    fc.assert(
      fc.property(related, ({ list, location }) => {
        const want = referenceIncludes(list, location);
        if (want) inside += 1;
        expect(parseFilter(writeSpecs(list)).includes(location)).toBe(want);
      }),
      { numRuns: 5000, seed: 1 },
    );
    expect(inside).toBeGreaterThan(500);
  });

  it('never keep a listing out of a folder with something inside', () => {
    fc.assert(
      fc.property(related, ({ list, location }) => {
        const filter = parseFilter(writeSpecs(list));
        if (!filter.includes(location)) return;
        const names = location.split('/');
        for (let depth = 0; depth < names.length; depth++) {
          const folder = names
            .slice(0, depth)
            .map((n) => `${n}/`)
            .join('');
          expect(filter.mayEnter(folder), folder).toBe(true);
        }
      }),
      { numRuns: 3000, seed: 2 },
    );
  });

  it('narrow to prefixes that hold everything inside, none within another', () => {
    fc.assert(
      fc.property(related, ({ list, location }) => {
        const filter = parseFilter(writeSpecs(list));
        const prefixes = filter.prefixes();
        if (prefixes.length > 0 && filter.includes(location)) {
          expect(prefixes.filter((prefix) => location.startsWith(prefix))).toHaveLength(1);
        }
      }),
      { numRuns: 3000, seed: 3 },
    );
  });

  it('mean the same in their canonical form, which is its own', () => {
    fc.assert(
      fc.property(related, ({ list, location }) => {
        const filter = parseFilter(writeSpecs(list));
        const again = parseFilter(filter.text);
        expect(again.text).toBe(filter.text);
        expect(again.includes(location)).toBe(filter.includes(location));
        expect(parseFilter(writeSpecs([...list].reverse())).text).toBe(filter.text);
      }),
      { numRuns: 3000, seed: 4 },
    );
  });

  it('are accepted or refused with a place, whatever the text', () => {
    const char = fc.constantFrom(...'ab*?[]!-+/\\\'" ,.{}\n^é'.split(''), '--include=', '--exclude ');
    fc.assert(
      fc.property(fc.array(char, { maxLength: 25 }), location, (chars, location) => {
        const text = chars.join('');
        let filter: ReturnType<typeof parseFilter>;
        try {
          filter = parseFilter(text);
        } catch (error) {
          expect(error).toMatchObject({ name: 'FilterError', column: expect.any(Number) });
          const { column } = error as { column: number };
          expect(column).toBeGreaterThanOrEqual(1);
          expect(column).toBeLessThanOrEqual(text.length + 1);
          return;
        }
        const again = parseFilter(filter.text);
        expect(again.text).toBe(filter.text);
        expect(again.includes(location)).toBe(filter.includes(location));
      }),
      { numRuns: 5000, seed: 5 },
    );
  });
});

describe('hostile patterns', () => {
  const longName = 'a'.repeat(50_000);
  const deepPath = 'a/'.repeat(20_000);
  const cases: readonly [string, string, string][] = [
    ['runs in a name', `${'*a'.repeat(200)}*b`, longName],
    ['runs and single characters', `${'*?'.repeat(200)}b`, longName],
    ['runs and classes', `${'*[ab]'.repeat(200)}[!a]`, longName],
    ['deep segments', `${'**/a/'.repeat(200)}b`, deepPath],
    ['deep segments with globs', `${'**/*a*/'.repeat(100)}b`, deepPath],
    ['only deep segments', `${'**/'.repeat(500)}b`, deepPath],
    ['a floating exclude', `-${'a/'.repeat(200)}b`, deepPath],
    ['a floating exclude with globs', `-${'a*/'.repeat(200)}b`, deepPath],
    ['many patterns', Array.from({ length: 200 }, (_, i) => `-*x${i}*`).join(' '), deepPath],
  ];
  // The bound is about growth (exponential patterns would never end), not about speed on a quiet machine.
  it.each(cases)('%s end within 5 s', (_name, text, location) => {
    const filter = parseFilter(text);
    const from = performance.now();
    filter.includes(location);
    filter.mayEnter(location);
    expect(performance.now() - from).toBeLessThan(5000);
  });
});
