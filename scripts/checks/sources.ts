import path from 'node:path';
import { type Fault, lineAt, type SourceFile } from './check.ts';

/** Longest source file, in lines. */
export const MAX_LINES = 400;

/** Source files outside of test/ that are longer than `MAX_LINES`. */
export function lengthFaults(files: readonly SourceFile[]): Fault[] {
  return files.flatMap(({ path: file, text }) => {
    const isCode = /\.([cm]?[jt]sx?|sh|css|html)$/.test(file) || text.startsWith('#!');
    if (!isCode || file.startsWith('test/')) return [];
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
    return lines > MAX_LINES
      ? [{ file, text: `has ${lines} lines, more than ${MAX_LINES}; it holds more than one idea` }]
      : [];
  });
}

/** Written so that this file does not hold the words itself. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/(?<![\w./-])\/(work|root|home\/\w+|Users\/\w+)\//g, 'is a path of one machine'],
  [/\b(TO[D]O|FIX[M]E|XX[X])\b/g, 'marks something unfinished; finish it or open an issue'],
  [/\b(it|test|describe|suite|bench)(\.\w+)*\.(only|skip|todo|fails|skipIf|runIf)\b/g, 'leaves tests out'],
];

/** Files whose text is not ours, or holds hashes that may spell anything. */
const NOT_OURS = new Set(['package-lock.json', 'LICENSE']);

/** Words that must not be in any file of the project. */
export function wordFaults(files: readonly SourceFile[]): Fault[] {
  return files.flatMap(({ path: file, text }) => {
    if (NOT_OURS.has(path.posix.basename(file))) return [];
    return WORDS.flatMap(([pattern, why]) =>
      [...text.matchAll(pattern)].map((match) => ({
        file,
        line: lineAt(text, match.index),
        text: `${match[0]} ${why}`,
      })),
    );
  });
}

const LINK = /(?<!!)\[[^\]\n]*\]\(([^)\s]+)(?:\s+"[^"\n]*")?\)/g;
const IMAGE = /!\[[^\]\n]*\]\(([^)\s]+)\)/g;

/** Links of Markdown files to files or headings that are not there. `paths`: every file of the project. */
export function linkFaults(files: readonly SourceFile[], paths: readonly string[]): Fault[] {
  const known = new Set(paths.flatMap((file) => [file, ...parents(file)]));
  const texts = new Map(files.map((file) => [file.path, file.text]));
  return files
    .filter((file) => file.path.endsWith('.md'))
    .flatMap(({ path: file, text }) => {
      const prose = withoutCode(text);
      const links = [...prose.matchAll(LINK), ...prose.matchAll(IMAGE)];
      return links.flatMap((match) => {
        const reason = broken(file, match[1] ?? '', known, texts);
        return reason === undefined ? [] : [{ file, line: lineAt(text, match.index), text: reason }];
      });
    });
}

function broken(
  file: string,
  link: string,
  known: ReadonlySet<string>,
  texts: ReadonlyMap<string, string>,
): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(link)) return undefined;
  const [place = '', anchor] = link.split('#');
  const target =
    place === '' ? file : path.posix.join(path.posix.dirname(file), decodeURIComponent(place)).replace(/\/$/, '');
  if (!known.has(target)) return `links to ${link}, which is not there`;
  const text = texts.get(target);
  if (anchor === undefined || anchor === '' || text === undefined || !target.endsWith('.md')) return undefined;
  return headings(text).has(anchor) ? undefined : `links to ${link}, and ${target} has no such heading`;
}

function parents(file: string): string[] {
  const folders: string[] = ['.'];
  for (let at = file.indexOf('/'); at >= 0; at = file.indexOf('/', at + 1)) folders.push(file.slice(0, at));
  return folders;
}

/** The text with code blanked out, at the same indexes. */
function withoutCode(text: string): string {
  const blank = (code: string) => code.replace(/[^\n]/g, ' ');
  return text.replace(/^```[\s\S]*?^```/gm, blank).replace(/`[^`\n]*`/g, blank);
}

/** The anchors of a Markdown file's headings: lower case, hyphens for spaces, no other punctuation. */
function headings(text: string): Set<string> {
  const found = new Set<string>();
  for (const match of text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#{1,6}\s+(.+?)\s*$/gm)) {
    const anchor = (match[1] ?? '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');
    found.add(anchor);
  }
  return found;
}
