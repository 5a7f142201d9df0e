import { describe, expect, it } from 'vitest';
import { FilterError, LIMITS, parseFilter } from '../../domain/filter/filter.ts';
import { CONTRACT } from './filter-contract.ts';

function refusal(text: string): FilterError {
  try {
    parseFilter(text);
  } catch (error) {
    if (error instanceof FilterError) return error;
    throw error;
  }
  throw new Error(`${text} was accepted`);
}

/** A refused filter includes nothing. */
function verdict(text: string, location: string): 'Y' | 'n' | 'err' {
  try {
    return parseFilter(text).includes(location) ? 'Y' : 'n';
  } catch (error) {
    if (error instanceof FilterError) return error.code === 'parent_segment' ? 'n' : 'err';
    throw error;
  }
}

describe('the contract', () => {
  it.each(CONTRACT)('row %i: %j on %j is %s', (_row, filter, location, want) => {
    expect(verdict(filter, location)).toBe(want);
  });

  it('has every row', () => {
    expect(CONTRACT.map(([row]) => row)).toEqual(Array.from({ length: 127 }, (_, i) => i + 1));
  });
});

describe('beyond the contract', () => {
  const cases: readonly [string, string, boolean][] = [
    ['/*.zip', 'x.zip', true],
    ['/*.zip', 'sub/x.zip', false],
    ['./*.zip', 'sub/x.zip', false],
    ['/*', 'a', true],
    ['/*', 'a/b', false],
    ['sub1/', 'sub1', false],
    ['sub1/**', 'sub1', false],
    ['-tmp/', 'tmp', true],
    ['-tmp', 'tmp', false],
    ['-/a/b', 'a/b/c', false],
    ['-/a/b', 'x/a/b', true],
    ['.', 'anything/at/all', true],
    ['""', 'anything/at/all', true],
    ['a//b/./c', 'a/b/c/d', true],
    ['c++', 'c++/main.cpp', true],
    ['+c++', 'c++/main.cpp', true],
    [`-'-x'`, 'a/-x/b', false],
    ['\\-x', '-x', true],
    ['"a,b"', 'a,b', true],
    ['a\\,b', 'a,b', true],
    ["'a\\b'", 'a\\b', true],
    ['"My Docs/*.pdf"', 'My Docs/x.pdf', true],
    ['\\*', '*', true],
    ['\\*', 'x', false],
    ['"\\[1]"', '[1]', true],
    ['[[]1]', '[1]', true],
    ['[a-c]x', 'bx', true],
    ['[!a-c]x', 'bx', false],
    ['[^a-c]x', 'dx', true],
    ['[]-]x', ']x', true],
    ['[]-]x', '-x', true],
    ['x]y', 'x]y', true],
    ['{a}', '{a}', true],
    ['"{a,b}"', '{a,b}', true],
    ['?', '😀', true],
    ['[!😀]', '😀', false],
    ['*[!😀]', '😀', false],
    ['[😀-😂]*', '😁x', true],
    ['*\n*', 'a\nb', true],
    ['a?b', 'a\nb', true],
    ['*\ufffd*', 'bad\ufffdname', true],
    ['caf\u00e9', 'cafe\u0301/x', true],
    ['cafe\u0301', 'caf\u00e9/x', true],
    ['caf[e\u0301]*', 'caf\u00e9', true],
    ['"e"\u0301', '\u00e9', true],
    ['K*', '\u212a1', false],
    ['sub1', 'SUB1/a', false],
    ['*.zip', 'sub/', false],
    ['x/**', 'x//y', true],
    ['-__proto__', '__proto__/x', false],
    ['constructor', 'constructor', true],
  ];
  it.each(cases)('%j on %j is %s', (filter, location, want) => {
    expect(parseFilter(filter).includes(location)).toBe(want);
  });
});

describe('errors', () => {
  const cases: readonly [string, string, number, string][] = [
    ['a "b c', 'open_quote', 3, '"b c'],
    ["it's", 'open_quote', 3, "it's"],
    ['ab\\', 'open_escape', 3, 'ab\\'],
    ['x [ab', 'open_class', 3, '[ab'],
    ['[a/b]', 'open_class', 1, '[a/b]'],
    ['[a,b].txt', 'open_class', 1, '[a'],
    ['[]', 'open_class', 1, '[]'],
    ['*.{zip,docx}', 'open_brace', 1, '*.{zip'],
    ['a -', 'dangling_directive', 3, '-'],
    ['+', 'dangling_directive', 1, '+'],
    ['--exclude', 'dangling_directive', 1, '--exclude'],
    ['- -a', 'dangling_directive', 1, '-'],
    ['--exlude tmp', 'unknown_directive', 1, '--exlude'],
    ['--include=', 'empty_pattern', 1, '--include='],
    ["-''", 'empty_pattern', 1, "-''"],
    ['-/', 'empty_pattern', 1, '-/'],
    ['a/../b', 'parent_segment', 3, 'a/../b'],
    ['-..', 'parent_segment', 2, '-..'],
    ['sub1/..', 'parent_segment', 6, 'sub1/..'],
    ['../base/sub1', 'parent_segment', 1, '../base/sub1'],
    ['[z-a]', 'bad_range', 2, '[z-a]'],
  ];
  it.each(cases)('%j is refused: %s at column %i', (text, code, column, token) => {
    const error = refusal(text);
    expect({ code: error.code, column: error.column, token: error.token }).toEqual({ code, column, token });
    expect(error.message).not.toBe('');
  });

  it('limits the length and the number of patterns', () => {
    expect(refusal('a'.repeat(LIMITS.characters + 1)).code).toBe('too_long');
    expect(parseFilter('a'.repeat(LIMITS.characters)).includes('b')).toBe(false);
    expect(refusal('a '.repeat(LIMITS.patterns + 1))).toMatchObject({ code: 'too_many_patterns', column: 401 });
    expect(parseFilter('a '.repeat(LIMITS.patterns)).text).toBe('a');
  });
});

describe('the canonical form', () => {
  const same: readonly [string, string][] = [
    ['', '  , '],
    ['', '.'],
    ['', '**'],
    ['', '** -**'],
    ['sub1 sub2', 'sub2,sub1, "sub1" /sub1 +sub2 --include=sub1'],
    ['*.zip', '**/*.zip'],
    ['x/**', 'x/'],
    ['x/**', 'x/**/*'],
    ['x/*/**', 'x/**/*/**'],
    ['*', '/*'],
    ['-tmp', '- tmp'],
    ['-tmp', '--exclude tmp'],
    ['-tmp/*', '-tmp/'],
    ['-tmp/*', '-tmp/**'],
    ['-*.log', '-**/*.log'],
    ['-*.log', '-/**/*.log'],
    ['a?*', 'a*?'],
    ['[a-c]', '[cbab]'],
    ['Finance/**', '+Finance/** -**'],
    ['caf\u00e9', 'cafe\u0301'],
  ];
  it.each(same)('%j stands for %j', (canonical, text) => {
    expect(parseFilter(text).text).toBe(parseFilter(canonical).text);
  });

  it.each(['/*.zip', '\\-x', '-\\-x', 'a\\ b', '\\[1]', '[\\!\\-\\]a]*', '-/a', '**/x'])('keeps %j', (text) => {
    expect(parseFilter(text).text).toBe(text);
  });
});

describe('folders that need not be entered', () => {
  const cases: readonly [string, string, boolean][] = [
    ['', 'a/', true],
    ['*', '', true],
    ['*', 'a/', false],
    ['sub1', 'sub1/', true],
    ['sub1', 'sub1/x/', true],
    ['sub1', 'sub10/', false],
    ['sub1/sub2', 'sub1/', true],
    ['sub1/sub2', 'sub1/x/', false],
    ['*.zip', 'a/b/', true],
    ['/*.zip', 'a/', false],
    ['a/*/c', 'a/b/', true],
    ['a/*/c', 'a/b/c/', false],
    ['a/**/c', 'a/b/d/', true],
    ['a/**/c', 'b/', false],
    ['-tmp', 'x/tmp/', false],
    ['-tmp', 'x/tmp/y/', false],
    ['-tmp/', 'tmp/', false],
    ['-tmp/*', 'tmp/', false],
    ['-tmp/*.log', 'tmp/', true],
    ['-*', '', false],
    ['-/tmp', 'x/tmp/', true],
    ['caf\u00e9', 'cafe\u0301/', true],
  ];
  it.each(cases)('%j: %j is %s', (filter, folder, want) => {
    expect(parseFilter(filter).mayEnter(folder)).toBe(want);
  });
});

describe('prefixes', () => {
  const cases: readonly [string, string[]][] = [
    ['', []],
    ['*', []],
    ['sub1', ['sub1']],
    ['sub1/', ['sub1/']],
    ['sub1 sub2', ['sub1', 'sub2']],
    ['sub1 sub1/x sub10', ['sub1']],
    ['sub1 -tmp', ['sub1']],
    ['-tmp', []],
    ['sub1 *.txt', []],
    ['**/*.txt', []],
    ['a.txt', ['a.txt']],
    ['test/2025*/**', ['test/2025']],
    ['sub?/x', ['sub']],
    ['a\\*b/[xy]', ['a*b/']],
    ['data/caf\u00e9', ['data/caf']],
  ];
  it.each(cases)('%j lists %j', (filter, want) => {
    expect(parseFilter(filter).prefixes()).toEqual(want);
  });
});
