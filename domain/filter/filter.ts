import { FilterError, LIMITS } from './errors.ts';
import { type Exclude, excludeOf } from './exclude.ts';
import { fold } from './fold.ts';
import { type Include, includeOf } from './include.ts';
import { type Name, UNKNOWN } from './match.ts';
import { shapeOf } from './pattern.ts';
import { Path } from './rule.ts';
import { tokenize } from './tokens.ts';

export { FilterError, LIMITS };

/** Which locations of a connector are inside its scope. The one evaluator for every storage, full scans and events alike. */
export interface Filter {
  /** The canonical form: texts that mean the same pattern by pattern have the same one. Empty: everything. It parses. */
  readonly text: string;
  /** True when the item at this location (`/`-separated, no leading slash) is inside. */
  includes(location: string): boolean;
  /** False only when nothing beneath this folder (ends with `/`; empty: the asset itself) can be inside. */
  mayEnter(folder: string): boolean;
  /** The exclude, in its canonical form, that leaves out this location, or all beneath this folder (ends with `/`). */
  excludedBy(location: string): string | undefined;
  /**
   * Prefixes to list instead of the whole asset: every location inside starts with one of them, and none starts with another.
   * Empty: list the whole asset.
   */
  prefixes(): string[];
}

/**
 * Reads a filter (`docs/filters.md` is the grammar). Excludes win over includes; their order means nothing.
 * @throws FilterError with code, column and token
 */
export function parseFilter(text: string): Filter {
  const includes: Include[] = [];
  const excludes: Exclude[] = [];
  for (const token of tokenize(text)) {
    const shape = shapeOf(token);
    if (!token.exclude) {
      includes.push(includeOf(shape));
    } else if (shape.segments.length > 0) {
      excludes.push(excludeOf(shape));
    } else {
      const message = `${token.text} would exclude the whole asset; write -** if that is meant`;
      throw new FilterError('empty_pattern', message, token.column, token.text);
    }
  }
  // Next to an include, "exclude everything" only restates that nothing else is included.
  const kept = includes.length > 0 ? excludes.filter((rule) => !rule.all) : excludes;
  return filterOf(includes.some((rule) => rule.all) ? [] : distinct(includes), distinct(kept));
}

function filterOf(includes: readonly Include[], excludes: readonly Exclude[]): Filter {
  const text = [...includes, ...excludes].map((rule) => rule.text).join(' ');
  /** The exclude that leaves out all beneath a folder. */
  const coverOf = (folder: string): Exclude | undefined => {
    const names: Name[] = [...namesOf(folder), UNKNOWN];
    return excludes.find((rule) => rule.covers(names));
  };
  return Object.freeze({
    text,
    includes: (location: string) => {
      if (text === '') return true;
      const path = new Path(location);
      for (const rule of excludes) if (rule.test(path)) return false;
      for (const rule of includes) if (rule.test(path)) return true;
      return includes.length === 0;
    },
    mayEnter: (folder: string) => {
      if (text === '') return true;
      if (coverOf(folder) !== undefined) return false;
      return includes.length === 0 || includes.some((rule) => rule.reaches(namesOf(folder)));
    },
    excludedBy: (location: string) => {
      if (!location.endsWith('/')) {
        const path = new Path(location);
        return excludes.find((rule) => rule.test(path))?.text;
      }
      return coverOf(location)?.text;
    },
    prefixes: () => narrow(includes.map((rule) => rule.head)),
  });
}

function namesOf(folder: string): string[] {
  const bare = fold(folder.endsWith('/') ? folder.slice(0, -1) : folder);
  return bare === '' ? [] : bare.split('/');
}

/** Rules by their canonical text, each once, in its order. */
function distinct<R extends { readonly text: string }>(rules: readonly R[]): R[] {
  const byText = new Map(rules.map((rule) => [rule.text, rule]));
  return [...byText.values()].sort((a, b) => (a.text < b.text ? -1 : 1));
}

/** Without those that another one covers. Nothing if one of them is empty. */
function narrow(heads: readonly string[]): string[] {
  if (heads.includes('')) return [];
  const narrowed: string[] = [];
  for (const head of [...heads].sort()) {
    const last = narrowed.at(-1);
    if (last === undefined || !head.startsWith(last)) narrowed.push(head);
  }
  return narrowed;
}
