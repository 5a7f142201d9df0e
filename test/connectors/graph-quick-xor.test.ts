import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { QuickXor } from '../../connectors/graph/quick-xor.ts';
import { quickXorHash } from '../../scripts/servers/graph/quick-xor.ts';

/** Bytes and hash, Base64: what OneDrive gives for them. */
const KNOWN = [
  ['', 'AAAAAAAAAAAAAAAAAAAAAAAAAAA='],
  ['Sg==', 'SgAAAAAAAAAAAAAAAQAAAAAAAAA='],
  ['tbQ=', 'taAFAAAAAAAAAAAAAgAAAAAAAAA='],
  ['0pZP', '0rDEEwAAAAAAAAAAAwAAAAAAAAA='],
  ['jRRDVA==', 'jaDAEKgAAAAAAAAABAAAAAAAAAA='],
  ['qaApEj66lw==', 'qQBFCiTgA11cAgAABwAAAAAAAAA='],
  ['i+UZyUGJKh+ISbk=', 'iyhHBpIRhESo4AOIQ0IuAAAAAAA='],
  ['2fuxhBJXtpWFe8dOfdGeHw==', 'O9tHLAghgSvYohKFyMMxnNCHaHg='],
  ['g8VtAh+2Kf4k0kY5tzji2i2zmA==', 'wDNrgwHWAVukwB8kg4YRcnALHIg='],
  ['T6LYJIfDh81JrAK309H2JMJTXis=', 'zBTHrspn3mEcohlJdIUAbjGNaNg='],
  ['DWAAX5/CIfrmErgZa8ot6ZraeSbu', 'LR2Z0PjuRYGKQB/mhQAuMrAGZbQ='],
] as const;

function hashOf(parts: readonly Uint8Array[]): string {
  const hash = new QuickXor();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

describe('quickXorHash', () => {
  test.each(KNOWN)('%s', (bytes, hash) => {
    expect(hashOf([Buffer.from(bytes, 'base64')])).toBe(hash);
  });

  test('is the same however the bytes are cut, and wherever they lie', () => {
    const part = fc.uint8Array({ maxLength: 400 });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), fc.nat(3), (parts, shift) => {
        const moved = parts.map((bytes) => Buffer.concat([Buffer.alloc(shift), bytes]).subarray(shift));
        expect(hashOf(moved)).toBe(quickXorHash(Buffer.concat(parts)));
      }),
      { seed: 20261123 },
    );
  });
});
