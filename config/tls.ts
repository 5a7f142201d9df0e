import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CodedError } from '../domain/errors.ts';
import type { CertificateCode, ConfigProblem } from './errors.ts';
import { type NamedBy, unreadable } from './files.ts';

/** A certificate with its chain and its key, and the authorities that the other side is trusted by; PEM files. */
export interface TlsFiles {
  readonly certFile?: string;
  readonly keyFile?: string;
  /** Absent: the authorities of the system. */
  readonly caFile?: string;
}

/** What is read of them, as Node's TLS takes it. */
export interface TlsMaterial {
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly ca?: Buffer;
}

/** Why a certificate can't be used, and whether the fault is in it or in its key. */
export class CertificateError extends CodedError<CertificateCode> {
  readonly about: 'cert' | 'key';

  constructor(code: CertificateCode, about: 'cert' | 'key', message: string) {
    super(code, message);
    this.about = about;
  }
}

/** How each of the three files was named. */
export type NamedFiles = Readonly<Record<keyof TlsFiles, NamedBy>>;

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
/** A process warns when its certificate ends within this. */
export const EXPIRES_SOON_MS = 21 * 86_400_000;

/** @throws the system's error: they could be read when the configuration was loaded */
export function readTls({ certFile, keyFile, caFile }: TlsFiles): TlsMaterial {
  return {
    ...(certFile !== undefined && { cert: readFileSync(certFile) }),
    ...(keyFile !== undefined && { key: readFileSync(keyFile) }),
    ...(caFile !== undefined && { ca: readFileSync(caFile) }),
  };
}

/** The files that were given of these three. */
export function tlsFiles(certFile?: string, keyFile?: string, caFile?: string): TlsFiles {
  return {
    ...(certFile !== undefined && { certFile }),
    ...(keyFile !== undefined && { keyFile }),
    ...(caFile !== undefined && { caFile }),
  };
}

/** Everything that is wrong with the files: each for itself, and certificate and key with each other. */
export function tlsProblems(files: TlsFiles, by: NamedFiles, now = Date.now()): ConfigProblem[] {
  const { certFile, keyFile } = files;
  const problems: ConfigProblem[] = [];
  if ((certFile === undefined) !== (keyFile === undefined)) {
    const missing = certFile === undefined ? 'certFile' : 'keyFile';
    const text = 'is missing: a certificate needs both its file and its key; set this one too';
    problems.push({ code: 'conflicting_variables', ...by[missing], text });
  }
  const usable = (['certFile', 'keyFile', 'caFile'] as const).map((name) => {
    const file = files[name];
    const problem = file === undefined ? undefined : unreadable(file, by[name]);
    if (problem !== undefined) problems.push(problem);
    return problem === undefined ? file : undefined;
  });
  const [cert, key, ca] = usable;
  if (cert !== undefined && key !== undefined) {
    const found = refusal(() => identityOf(cert, key, now));
    if (found !== undefined)
      problems.push({ code: found.code, ...by[found.about === 'key' ? 'keyFile' : 'certFile'], text: found.message });
  }
  if (ca !== undefined) {
    const found = refusal(() => authoritiesOf(ca, now));
    if (found !== undefined) problems.push({ code: found.code, ...by.caFile, text: found.message });
  }
  return problems;
}

function refusal(check: () => unknown): CertificateError | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof CertificateError) return error;
    throw error;
  }
}

/**
 * Reads a certificate and its key, and makes sure that they can be used together now.
 * @throws CertificateError
 */
export function identityOf(
  certFile: string,
  keyFile: string,
  now = Date.now(),
): { cert: Buffer; key: Buffer; endsMs: number } {
  const cert = readFileSync(certFile);
  const key = readFileSync(keyFile);
  const leaf = certificatesOf(certFile, cert.toString('latin1'))[0] as X509Certificate;
  inTime(certFile, leaf, now);
  if (!leaf.checkPrivateKey(privateKeyOf(keyFile, key))) {
    throw refuse(
      'key_mismatch',
      'key',
      `${keyFile} is not the key of the certificate in ${certFile}; name the key it was made with`,
    );
  }
  return { cert, key, endsMs: leaf.validToDate.getTime() };
}

/** @throws CertificateError when no authority in the file can be used now */
function authoritiesOf(file: string, now: number): void {
  const all = certificatesOf(file, readFileSync(file, 'latin1'));
  const dates = all.map((one) => [one.validFromDate.getTime(), one.validToDate.getTime()] as const);
  if (!dates.some(([from, to]) => from <= now && now <= to)) inTime(file, all[0] as X509Certificate, now);
}

function certificatesOf(file: string, text: string): readonly X509Certificate[] {
  const found = text.match(CERTIFICATE) ?? [];
  if (found.length === 0) {
    throw refuse(
      'not_a_certificate',
      'cert',
      `${file} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----); convert it with: openssl x509 -inform der`,
    );
  }
  return found.map((pem) => {
    try {
      return new X509Certificate(pem);
    } catch {
      throw refuse('not_a_certificate', 'cert', `${file} holds a certificate that can't be read; export it again`);
    }
  });
}

function privateKeyOf(file: string, pem: Buffer): KeyObject {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(pem.toString('latin1'))) {
    throw refuse(
      'not_a_key',
      'key',
      `${file} is encrypted with a password; write it without one (openssl pkey -in …) and let only this user read it`,
    );
  }
  try {
    return createPrivateKey(pem);
  } catch {
    throw refuse(
      'not_a_key',
      'key',
      `${file} holds no private key in PEM form (-----BEGIN PRIVATE KEY-----); name the key of the certificate`,
    );
  }
}

function inTime(file: string, certificate: X509Certificate, now: number): void {
  const day = (date: Date) => date.toISOString().slice(0, 10);
  if (certificate.validToDate.getTime() < now)
    throw refuse(
      'certificate_expired',
      'cert',
      `the certificate in ${file} ended on ${day(certificate.validToDate)}; put a new one there`,
    );
  if (certificate.validFromDate.getTime() > now)
    throw refuse(
      'certificate_expired',
      'cert',
      `the certificate in ${file} begins on ${day(certificate.validFromDate)}; correct the clock or the certificate`,
    );
}

function refuse(code: CertificateCode, about: 'cert' | 'key', message: string): CertificateError {
  return new CertificateError(code, about, message);
}
