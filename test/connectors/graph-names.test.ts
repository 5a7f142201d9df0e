import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encoded, isWithin, namesOf, pathAddress } from '../../connectors/graph/names.ts';
import { markOf, parsePosition, positionOf } from '../../connectors/graph/position.ts';
import { pinnedBy, versionOf } from '../../connectors/graph/version.ts';

const seed = 20261123;
const wellFormed = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => text.isWellFormed());

describe('addresses of a drive', () => {
  test('a name is one segment, whatever it holds, and comes out as it went in', () => {
    fc.assert(
      fc.property(wellFormed, (name) => {
        const segment = encoded(name);
        expect(segment).toMatch(/^[\w.~%-]*$/);
        expect(decodeURIComponent(segment)).toBe(name);
      }),
      { seed },
    );
  });

  test.each([
    [[], undefined, '/drives/b!x/root'],
    [[], 'delta', '/drives/b!x/root/delta'],
    [['a b', "it's #1"], undefined, '/drives/b!x/root:/a%20b/it%27s%20%231'],
    [['100%', 'a+b?'], 'children', '/drives/b!x/root:/100%25/a%2Bb%3F:/children'],
  ])('%j and %j', (names, after, address) => {
    expect(pathAddress('b!x', names, after)).toBe(address);
  });

  test.each(['', '/', 'a//b', '/a', 'a/', '.', 'a/../b', 'a\0', '\ud800'])('%j is no location', (location) => {
    expect(() => namesOf({ location })).toThrow(expect.objectContaining({ code: 'not_an_item' }));
  });

  test('a location that is not UTF-8 is none', () => {
    const locationBytes = Buffer.from([0xff]).toString('base64');
    expect(() => namesOf({ location: '\ufffd', locationBytes })).toThrow(
      expect.objectContaining({ code: 'not_an_item' }),
    );
  });

  test('what lies within a folder is told by whole names, in any case', () => {
    expect(isWithin(['Q', 'x'], ['q'])).toBe(true);
    expect(isWithin(['q'], ['q'])).toBe(true);
    expect(isWithin(['q2', 'x'], ['q'])).toBe(false);
    expect(isWithin(['a', 'q'], ['q'])).toBe(false);
    expect(isWithin(['a'], ['a', 'b'])).toBe(false);
    expect(isWithin(['a'], [])).toBe(true);
  });
});

describe('versions and positions', () => {
  test('a version holds its id and its tag', () => {
    fc.assert(
      fc.property(wellFormed, wellFormed, (id, cTag) => {
        expect(pinnedBy(versionOf({ id, cTag }))).toEqual({ id, cTag });
      }),
      { seed },
    );
    for (const version of ['', 'graph1:', 'graph1:x', 'graph1:x:', 'graph1:%:x', 'fs1:1:2', 'memory:1']) {
      expect(pinnedBy(version)).toBeUndefined();
    }
  });

  test('a position comes out of its JSON as it went in', () => {
    const reached = fc.record({
      drive: fc.nat(),
      link: fc.option(fc.webUrl(), { nil: undefined }),
      dealt: fc.array(fc.string()).map((ids) => new Set(ids.map(markOf))),
      outside: fc.nat(),
      restarts: fc.nat(),
    });
    fc.assert(
      fc.property(reached, (one) => {
        expect(parsePosition(JSON.parse(JSON.stringify(positionOf(one))))).toEqual(one);
      }),
      { seed },
    );
  });

  test.each([{}, { after: 'a' }, { drive: -1, dealt: [], outside: 0 }, { drive: 0, dealt: [1], outside: 0 }])(
    '%j is no position',
    (from) => {
      expect(() => parsePosition(from)).toThrow(expect.objectContaining({ code: 'configuration' }));
    },
  );
});
