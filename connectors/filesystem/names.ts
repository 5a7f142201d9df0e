import { isUtf8 } from 'node:buffer';
import { type ItemRef, locationBytes } from '../../domain/item.ts';
import { ConnectorError } from '../errors.ts';

/**
 * Inside this connector every name and path is a *raw* string: one character per byte (latin1). It keeps names that are not
 * UTF-8, compares with `<` in byte order, and costs a fraction of a Buffer.
 */
export type Raw = string;

/** Anything but plain ASCII text, for which the raw form and the readable form are the same. */
const NOT_PLAIN = /[^ -~]/;

export function rawOf(text: string): Raw {
  return NOT_PLAIN.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}

/** The form that a system call takes: a name that is not plain ASCII goes as its exact bytes. */
export function pathOf(raw: Raw): string | Buffer {
  return NOT_PLAIN.test(raw) ? Buffer.from(raw, 'latin1') : raw;
}

/** The readable form; bytes that are not UTF-8 are shown as U+FFFD. */
export function readable(raw: Raw): string {
  return NOT_PLAIN.test(raw) ? Buffer.from(raw, 'latin1').toString('utf8') : raw;
}

/** The location of an item as the domain carries it. */
export function refOf(raw: Raw): { location: string; locationBytes?: string } {
  if (!NOT_PLAIN.test(raw)) return { location: raw };
  const bytes = Buffer.from(raw, 'latin1');
  const location = bytes.toString('utf8');
  return isUtf8(bytes) ? { location } : { location, locationBytes: bytes.toString('base64') };
}

/**
 * The raw location that a reference names.
 * @throws ConnectorError `not_an_item` for a location that could lead out of the asset: empty, absolute, with an empty part, `.`,
 * `..` or a NUL.
 */
export function rawLocation(ref: ItemRef): Raw {
  const raw =
    ref.locationBytes === undefined && !NOT_PLAIN.test(ref.location)
      ? ref.location
      : locationBytes(ref).toString('latin1');
  if (!isInside(raw)) {
    throw new ConnectorError('not_an_item', `${JSON.stringify(ref.location)} is no location inside the asset`);
  }
  return raw;
}

/** True for a relative path of ordinary parts, which cannot climb. */
export function isInside(raw: Raw): boolean {
  return (
    raw !== '' && !raw.includes('\0') && raw.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  );
}

export function joined(folder: Raw, name: Raw): Raw {
  return folder.endsWith('/') ? folder + name : `${folder}/${name}`;
}

export function folderOf(raw: Raw): Raw {
  const cut = raw.lastIndexOf('/');
  return cut <= 0 ? raw.slice(0, cut + 1) : raw.slice(0, cut);
}

export function nameOf(raw: Raw): Raw {
  return raw.slice(raw.lastIndexOf('/') + 1);
}

/** True when `path` is `folder` or lies below it. Both absolute, without a closing `/` (but for the root itself). */
export function isBelow(path: Raw, folder: Raw): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}
