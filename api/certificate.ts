import { readFileSync, statSync } from 'node:fs';
import type { Server } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import type { Logger } from 'pino';
import type { ApiTls } from '../config/api.ts';
import { EXPIRES_SOON_MS, identityOf } from '../config/tls.ts';
import { messageOf } from '../domain/errors.ts';

/** Between two looks at the files, in milliseconds. */
const LOOK_MS = 30_000;
const DAY_MS = 86_400_000;

/** What the server shows, and whom it lets in. @throws CertificateError, or the system's error for a file that can't be read */
export function secureContext(tls: ApiTls): SecureContextOptions {
  const { cert, key } = identityOf(tls.certFile, tls.keyFile);
  return {
    cert,
    key,
    minVersion: `TLSv${tls.minVersion}`,
    ...(tls.clientCaFile !== undefined && { ca: readFileSync(tls.clientCaFile) }),
  };
}

/**
 * Takes up new files without a restart: new connections have them within half a minute. Files that can't be used leave the old
 * certificate in place, and are told. Warns once a day when the certificate ends within three weeks. Stops with the server.
 */
export function watchCertificate(
  server: Server,
  tls: ApiTls,
  log: Pick<Logger, 'info' | 'warn' | 'error'>,
  everyMs = LOOK_MS,
): void {
  let seen = stateOf(tls);
  let warnedAt = Number.NEGATIVE_INFINITY;
  const look = (): void => {
    const now = stateOf(tls);
    if (now !== seen) {
      seen = now;
      take(server, tls, log);
    }
    if (Date.now() - warnedAt < DAY_MS) return;
    warnedAt = Date.now();
    warnOfEnd(tls, log);
  };
  look();
  const timer = setInterval(look, everyMs);
  timer.unref();
  server.once('close', () => clearInterval(timer));
}

function take(server: Server, tls: ApiTls, log: Pick<Logger, 'info' | 'error'>): void {
  try {
    (server as TlsServer).setSecureContext(secureContext(tls));
    log.info({ certFile: tls.certFile }, 'the API has taken up its new certificate');
  } catch (error) {
    log.error({ certFile: tls.certFile }, `the new certificate can't be used, the old one stays: ${messageOf(error)}`);
  }
}

function warnOfEnd({ certFile, keyFile }: ApiTls, log: Pick<Logger, 'warn' | 'error'>): void {
  try {
    const leftMs = identityOf(certFile, keyFile).endsMs - Date.now();
    if (leftMs < EXPIRES_SOON_MS)
      log.warn({ certFile, days: Math.floor(leftMs / DAY_MS) }, 'the certificate of the API ends soon');
  } catch (error) {
    log.error({ certFile }, `the certificate of the API: ${messageOf(error)}`);
  }
}

/** Changes with any of the files, also with what a link points to. */
function stateOf({ certFile, keyFile, clientCaFile }: ApiTls): string {
  return [certFile, keyFile, clientCaFile ?? '']
    .map((file) => {
      try {
        const { mtimeMs, size, ino } = statSync(file);
        return `${mtimeMs}/${size}/${ino}`;
      } catch {
        return '-';
      }
    })
    .join(' ');
}
