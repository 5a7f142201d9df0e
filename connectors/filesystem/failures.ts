import { messageOf, systemCode } from '../../domain/errors.ts';
import { type ConnectorCode, ConnectorError } from '../errors.ts';
import { type Raw, readable } from './names.ts';

/** What a system error means. Everything that is not named here is a `storage_error`. */
const CODES: Readonly<Record<string, ConnectorCode>> = {
  ENOENT: 'not_found',
  ENOTDIR: 'not_found',
  EACCES: 'permission_denied',
  EPERM: 'permission_denied',
  EROFS: 'permission_denied',
  ELOOP: 'not_an_item',
  ENXIO: 'not_an_item',
  ENODEV: 'not_an_item',
  EISDIR: 'not_an_item',
  ENAMETOOLONG: 'not_an_item',
  ENOTCONN: 'unreachable',
  EHOSTDOWN: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENETDOWN: 'unreachable',
  ETIMEDOUT: 'unreachable',
};

/** The connector error for whatever a file operation threw. A connector error is passed through. */
export function failure(error: unknown, doing: string, location: Raw): ConnectorError {
  if (error instanceof ConnectorError) return error;
  const code = systemCode(error);
  const why = code === undefined ? messageOf(error) : `${code}${explain(code)}`;
  return new ConnectorError(
    (code !== undefined && CODES[code]) || 'storage_error',
    `${doing} ${JSON.stringify(readable(location))}: ${why}`,
    { cause: error },
  );
}

function explain(code: string): string {
  if (code === 'ENAMETOOLONG') return ' (the whole path is longer than the system takes)';
  if (code === 'ELOOP') return ' (it is a link)';
  if (code === 'ENXIO' || code === 'ENODEV') return ' (it is no regular file)';
  return '';
}
