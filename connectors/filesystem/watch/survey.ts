import type { BigIntStats } from 'node:fs';
import type { ConnectorError } from '../../errors.ts';
import { closeFd, fstat } from '../calls.ts';
import { breaks, type Seen, see } from '../entry.ts';
import { failure } from '../failures.ts';
import { insideOf, type Key, readKeys } from '../folder.ts';
import type { Raw } from '../names.ts';
import { absolute, isHidden, openFolder, type Place, rootFailure } from '../place.ts';

/** Files looked at together, and given together. */
const TOGETHER = 64;

/** A folder that is open, before its names are read. */
export interface Entered {
  /** Raw location: empty for the asset, else ending with `/`. */
  readonly folder: Raw;
  readonly fd: number;
  readonly facts: BigIntStats;
}

/** Regular files of one folder that are items; `end` with the last of them, which may be none. */
export interface Surveyed {
  readonly folder: Raw;
  readonly files: readonly { readonly location: Raw; readonly facts: BigIntStats }[];
  /** Everything in the folder is new: it was made, or moved here, since. */
  readonly whole: boolean;
  readonly end: boolean;
}

export interface SurveyOptions {
  /** Raw location of the folder to begin with; empty for the asset. */
  readonly from: Raw;
  /** Everything is new. */
  readonly whole: boolean;
  /**
   * Milliseconds since 1970. Where both a folder and the one that it lies in changed since, it may have been moved here with all that
   * is in it, whose own times do not change by that.
   */
  readonly since: number;
  /** Called before the names of a folder are read. True: all that is in it is new. @throws ConnectorError, which ends the survey */
  readonly enter: (entered: Entered) => boolean;
  /** Throws when the asset is away: then what is missing is not gone. */
  readonly rootIsThere: () => Promise<void>;
}

interface Ahead {
  readonly folder: Raw;
  readonly whole: boolean;
  /** The folder that it lies in changed since. */
  readonly changed: boolean;
}

/**
 * Walks folders in no order. It leaves out what a listing leaves out, and folders that can't be read: the listing of a scan tells
 * of those.
 * @throws ConnectorError when the storage or the asset is away
 */
export async function* survey(place: Place, options: SurveyOptions): AsyncGenerator<Surveyed, void, undefined> {
  const { since, enter } = options;
  const ahead: Ahead[] = [{ folder: options.from, whole: options.whole, changed: false }];
  for (let at = ahead.pop(); at !== undefined; at = ahead.pop()) {
    const { folder } = at;
    const path = folder === '' ? place.root : absolute(place, folder.slice(0, -1));
    let fd: number | undefined;
    try {
      fd = await openFolder(path, folder);
      const facts = await fstat(fd);
      const changed = Number(facts.ctimeMs) >= since;
      const whole = enter({ folder, fd, facts }) || at.whole || (at.changed && changed);
      const inside = insideOf(fd, path);
      const keys = place.only === undefined ? await readKeys(inside, Number(facts.size)) : [place.only];
      yield* filesOf(place, folder, inside, keys, whole, options);
      for (const key of keys) {
        if (!key.endsWith('/') || isHidden(place, folder + key)) continue;
        ahead.push({ folder: folder + key, whole, changed });
      }
    } catch (error) {
      await leaveOut(folder, failure(error, 'watching', folder), place, options);
    } finally {
      if (fd !== undefined) closeFd(fd);
    }
  }
}

async function* filesOf(
  place: Place,
  folder: Raw,
  inside: Raw,
  keys: readonly Key[],
  whole: boolean,
  { rootIsThere }: SurveyOptions,
): AsyncGenerator<Surveyed, void, undefined> {
  const names = keys.filter((key) => !key.endsWith('/') && !isHidden(place, folder + key));
  for (let start = 0; start < names.length || start === 0; start += TOGETHER) {
    const seen = await Promise.all(names.slice(start, start + TOGETHER).map((key) => see(inside, key, folder + key)));
    const broken = seen.find((one): one is Seen & { what: 'fault' } => one.what === 'fault' && breaks(one.error));
    if (broken) throw broken.error;
    if (seen.some(({ what }) => what === 'gone')) await rootIsThere();
    const files = seen.flatMap(({ location, facts }) => (facts?.isFile() ? [{ location, facts }] : []));
    yield { folder, files, whole, end: start + TOGETHER >= names.length };
  }
}

/** @throws ConnectorError when it is not about this folder alone */
async function leaveOut(
  folder: Raw,
  cause: ConnectorError,
  place: Place,
  { rootIsThere }: SurveyOptions,
): Promise<void> {
  if (folder === '') throw rootFailure(cause, place.root);
  if (breaks(cause) || cause.code === 'configuration') throw cause;
  if (cause.code === 'not_found') await rootIsThere();
}
