import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text as readStream } from 'node:stream/consumers';
import { messageOf } from '../../domain/errors.ts';
import { FilterError, parseFilter } from '../../domain/filter/filter.ts';
import { CliError } from '../errors.ts';
import { visible, visibleInside } from '../render/names.ts';
import { displayWidth } from '../render/width.ts';

/**
 * The filter that `--filter` or `--filter-from` gives, checked; undefined when neither is given. Lines of a file that begin with `#` are remarks, and line
 * breaks separate; `-` reads from stdin.
 * @throws CliError (usage): the message of a filter that does not parse shows the line with a caret under the place
 */
export async function filterText(
  given: { filter?: string; filterFrom?: string },
  cwd: string,
): Promise<string | undefined> {
  if (given.filter !== undefined && given.filterFrom !== undefined) {
    throw new CliError('usage', 'two_filters', 'give --filter or --filter-from, not both');
  }
  if (given.filterFrom === undefined) {
    if (given.filter !== undefined) check(given.filter, '--filter');
    return given.filter;
  }
  const name = given.filterFrom;
  const text = await readFilter(name, cwd);
  const lines = text.split(/\r?\n/).map((line) => (line.startsWith('#') ? '' : line));
  check(lines.join('\n'), name === '-' ? 'stdin' : name);
  return lines.filter((line) => line.trim() !== '').join(' ');
}

async function readFilter(name: string, cwd: string): Promise<string> {
  try {
    return name === '-' ? await readStream(process.stdin) : await readFile(resolve(cwd, name), 'utf8');
  } catch (error) {
    throw new CliError('usage', 'unreadable_filter', `--filter-from ${visible(name)}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function check(text: string, from: string): void {
  try {
    parseFilter(text);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    throw new CliError('usage', error.code, `${from}: ${error.message}\n${pointAt(text, error.column)}`, {
      cause: error,
    });
  }
}

/** Columns of a line that are shown on either side of the place. */
const AROUND = 60;

/** The line of a text that holds a place, with a caret under it. `column` counts characters of the whole text from 1. */
export function pointAt(text: string, column: number): string {
  const at = Math.min(Math.max(column - 1, 0), text.length);
  const start = text.lastIndexOf('\n', at - 1) + 1;
  const end = text.indexOf('\n', at);
  const line = text.slice(start, end === -1 ? undefined : end);
  const from = Math.max(0, at - start - AROUND);
  const before = visibleInside(line.slice(from, at - start));
  const after = visibleInside(line.slice(at - start, at - start + AROUND));
  const number = text.includes('\n') ? `line ${text.slice(0, start).split('\n').length}: ` : '';
  return `  ${number}${before}${after}\n  ${' '.repeat(number.length + displayWidth(before))}^`;
}
