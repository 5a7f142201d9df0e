import { z } from 'zod';
import type { ConfigProblem } from './errors.ts';
import { absolutePath, bytes, integer, onOff, scannerOrigin } from './fields.ts';
import type { FileScanner } from './file.ts';
import { readSecret } from './files.ts';
import { Secret } from './secret.ts';
import { tlsProblems } from './tls.ts';

/** How to reach one scanner, and how much to ask of it at once. */
export interface ScannerSettings {
  /** `dsxa` or `standin`. */
  readonly name: string;
  /** Origin, without a slash at the end. */
  readonly url: string;
  /** True for the stand-in: what it answers is no verdict on malware. */
  readonly standIn: boolean;
  readonly token?: Secret;
  readonly protectedEntity?: number;
  /** PEM file of trusted authorities; it could be read at load. */
  readonly caFile?: string;
  /** False: whoever answers at the address is taken for the scanner. */
  readonly verifyTls: boolean;
  readonly metadata: boolean;
  /** Largest item that is sent, in bytes. */
  readonly maxBytes: number;
  /** Most scans in flight in this process. */
  readonly concurrency: number;
  readonly bytesInFlight: number;
}

/** The variables of scanners. */
export const scannerShape = {
  DSXA_SCANNER_URL: scannerOrigin.optional(),
  DSXA_AUTH_TOKEN: z.string().optional(),
  DSXA_AUTH_TOKEN_FILE: absolutePath.optional(),
  DSXA_PROTECTED_ENTITY: integer(1, Number.MAX_SAFE_INTEGER).optional(),
  DSXA_CA_FILE: absolutePath.optional(),
  DSXA_VERIFY_TLS: onOff.default(true),
  DSXA_METADATA: onOff.optional(),
  DSXA_MAX_BYTES: bytes.default(2_147_483_648),
  DSXA_CONCURRENCY: integer(1, 4096).default(64),
  DSXA_BYTES_IN_FLIGHT: bytes.default(1_073_741_824),
  DSXA_STANDIN_URL: scannerOrigin.optional(),
};
export type ScannerVariables = z.output<z.ZodObject<typeof scannerShape>>;

/**
 * The scanners of a process. With DSXA_SCANNER_URL the file's scanner is not used at all, so that a token never travels to an
 * address it was not written down with; else each variable wins over the file's field.
 */
export function buildScanners(
  set: ScannerVariables,
  file: FileScanner | undefined,
  configFile: string | undefined,
  problems: ConfigProblem[],
): Readonly<Record<string, ScannerSettings>> {
  const limits = {
    maxBytes: set.DSXA_MAX_BYTES,
    concurrency: set.DSXA_CONCURRENCY,
    bytesInFlight: set.DSXA_BYTES_IN_FLIGHT,
  };
  const scanners: Record<string, ScannerSettings> = {};
  const from = set.DSXA_SCANNER_URL === undefined ? file : undefined;
  const url = set.DSXA_SCANNER_URL ?? from?.url;
  if (url !== undefined) {
    const token = tokenOf(set, from, configFile, problems);
    const caFile = set.DSXA_CA_FILE ?? from?.caFile;
    const protectedEntity = set.DSXA_PROTECTED_ENTITY ?? from?.protectedEntity;
    if (caFile !== undefined) {
      const by =
        set.DSXA_CA_FILE !== undefined ? { variable: 'DSXA_CA_FILE' } : { file: configFile, field: 'scanner.caFile' };
      problems.push(...tlsProblems({ caFile }, { caFile: by, certFile: by, keyFile: by }));
      if (!set.DSXA_VERIFY_TLS) {
        const text = 'is off, but authorities to verify the scanner by are named; unset the one or the other';
        problems.push({ code: 'conflicting_variables', variable: 'DSXA_VERIFY_TLS', text });
      }
    }
    scanners.dsxa = {
      name: 'dsxa',
      url,
      standIn: false,
      ...(token !== undefined && { token }),
      ...(protectedEntity !== undefined && { protectedEntity }),
      ...(caFile !== undefined && { caFile }),
      verifyTls: set.DSXA_VERIFY_TLS,
      metadata: set.DSXA_METADATA ?? from?.metadata ?? false,
      ...limits,
    };
  }
  if (set.DSXA_STANDIN_URL !== undefined) {
    scanners.standin = {
      name: 'standin',
      url: set.DSXA_STANDIN_URL,
      standIn: true,
      verifyTls: true,
      metadata: set.DSXA_METADATA ?? false,
      ...limits,
    };
  }
  return scanners;
}

function tokenOf(
  set: ScannerVariables,
  from: FileScanner | undefined,
  configFile: string | undefined,
  problems: ConfigProblem[],
): Secret | undefined {
  if (set.DSXA_AUTH_TOKEN !== undefined && set.DSXA_AUTH_TOKEN_FILE !== undefined) {
    const text = 'and DSXA_AUTH_TOKEN_FILE are both set; keep the file';
    problems.push({ code: 'conflicting_variables', variable: 'DSXA_AUTH_TOKEN', text });
    return undefined;
  }
  if (set.DSXA_AUTH_TOKEN !== undefined) {
    const value = set.DSXA_AUTH_TOKEN.trim();
    if (/^[\x21-\x7e]+$/.test(value)) return new Secret(value);
    const text = 'must be visible ASCII characters without spaces';
    problems.push({ code: 'invalid_variable', variable: 'DSXA_AUTH_TOKEN', text });
    return undefined;
  }
  const file = set.DSXA_AUTH_TOKEN_FILE ?? from?.tokenFile;
  if (file === undefined) return undefined;
  const byVariable = set.DSXA_AUTH_TOKEN_FILE !== undefined;
  const token = readSecret(
    file,
    byVariable ? { variable: 'DSXA_AUTH_TOKEN_FILE' } : { file: configFile, field: 'scanner.tokenFile' },
  );
  if (token instanceof Secret) return token;
  problems.push(token);
  return undefined;
}
