import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import tls from 'node:tls';

export interface TlsPair {
  /** PEM. */
  readonly key: string;
  /** PEM, self-signed: also what a client must trust. */
  readonly cert: string;
}

const DAY_MS = 86_400_000;
let made: TlsPair | undefined;

/** A key and a certificate for 127.0.0.1 and localhost, for 30 days: made once in a process, with nothing but Node. */
export function localCertificate(): TlsPair {
  made ??= make(generateKeyPairSync('ec', { namedCurve: 'P-256' }), ECDSA_WITH_SHA256, new Date());
  return made;
}

/** Another key and certificate for the same names, for 30 days from a moment on. */
export function certificateFrom(start: Date): TlsPair {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return make(keys, ECDSA_WITH_SHA256, new Date(start.getTime() + DAY_MS));
}

/** An authority that makes certificates for the same names: what clients trust that take no authority for a server. */
export function certificateAuthority(): { readonly cert: string; issue(): TlsPair } {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = { name: nameOf('an authority'), key: keys.privateKey };
  const { cert } = make(keys, ECDSA_WITH_SHA256, new Date(), { ...issuer, self: true });
  return {
    cert,
    issue: () => make(generateKeyPairSync('ec', { namedCurve: 'P-256' }), ECDSA_WITH_SHA256, new Date(), issuer),
  };
}

/** Certificate and private key of an application, as one PEM text. Its key is of RSA: tokens are asked for with no other. */
export function applicationCertificate(): string {
  const { cert, key } = make(generateKeyPairSync('rsa', { modulusLength: 2048 }), RSA_WITH_SHA256, new Date());
  return `${cert}${key}`;
}

/** Makes every TLS client of this process trust that certificate, beside what it trusts already (as NODE_EXTRA_CA_CERTS does). */
export function trustLocalCertificate(): void {
  const known = tls.getCACertificates('default');
  const { cert } = localCertificate();
  if (!known.includes(cert)) tls.setDefaultCACertificates([...known, cert]);
}

function make(
  { privateKey, publicKey }: { readonly privateKey: KeyObject; readonly publicKey: KeyObject },
  algorithm: Buffer,
  now: Date,
  issuer?: { readonly name: Buffer; readonly key: KeyObject; readonly self?: true },
): TlsPair {
  const subject = issuer?.self === true ? issuer.name : NAME;
  const body = sequence(
    tlv(0xa0, integer(Buffer.of(2))),
    integer(Buffer.concat([Buffer.of(1), randomBytes(15)])),
    algorithm,
    issuer?.name ?? NAME,
    sequence(time(new Date(now.getTime() - DAY_MS)), time(new Date(now.getTime() + 30 * DAY_MS))),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(
      0xa3,
      issuer === undefined || issuer.self === true
        ? sequence(ALTERNATIVE_NAMES, IS_AUTHORITY)
        : sequence(ALTERNATIVE_NAMES),
    ),
  );
  const signature = tlv(0x03, Buffer.of(0), sign('sha256', body, issuer?.key ?? privateKey));
  const der = sequence(body, algorithm, signature);
  const lines = der.toString('base64').replace(/.{64}/g, '$&\n').trimEnd();
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
  };
}

/** Tag, length, value: the one shape of DER. */
function tlv(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const value = Buffer.concat(parts);
  const { length } = value;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), value]);
  const bytes = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...bytes), value]);
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return tlv(0x30, ...parts);
}

function integer(value: Buffer): Buffer {
  return tlv(0x02, value);
}

function oid(hex: string): Buffer {
  return tlv(0x06, Buffer.from(hex, 'hex'));
}

/** UTCTime, whole seconds. */
function time(date: Date): Buffer {
  const text = date.toISOString().slice(2, 19).replace(/[-:T]/g, '');
  return tlv(0x17, Buffer.from(`${text}Z`));
}

function nameOf(text: string): Buffer {
  return sequence(tlv(0x31, sequence(oid('550403'), tlv(0x0c, Buffer.from(text)))));
}

const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'));
const RSA_WITH_SHA256 = sequence(oid('2a864886f70d01010b'), tlv(0x05));
const NAME = nameOf('127.0.0.1');
const ALTERNATIVE_NAMES = sequence(
  oid('551d11'),
  tlv(0x04, sequence(tlv(0x87, Buffer.of(127, 0, 0, 1)), tlv(0x82, Buffer.from('localhost')))),
);
const IS_AUTHORITY = sequence(
  oid('551d13'),
  tlv(0x01, Buffer.of(0xff)),
  tlv(0x04, sequence(tlv(0x01, Buffer.of(0xff)))),
);
