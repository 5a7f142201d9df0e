import { randomBytes } from 'node:crypto';
import { type Payload, defaultPayloadConverter as plain } from '@temporalio/common';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../codec/errors.ts';
import { payloadBytes, payloadOf } from '../../codec/payload-bytes.ts';
import { createPayloadCodec, type PayloadKey } from '../../codec/payload-codec.ts';
import { Secret } from '../../config/secret.ts';

function key(id: string): PayloadKey {
  return { id, key: new Secret(randomBytes(32).toString('base64')) };
}
function payload(value: unknown): Payload {
  return plain.toPayload(value) as Payload;
}
async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof CodecError) return error.code;
  throw new Error(`expected a CodecError, not ${String(error)}`);
}

describe('payloads', () => {
  it('survive being written down', () => {
    const bytes = fc.uint8Array({ maxLength: 400 });
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), bytes), bytes, (metadata, data) => {
        const back = payloadOf(payloadBytes({ metadata, data }));
        const flat = ({ metadata: held, data: body }: Payload) => [
          Object.entries(held ?? {}).map(([name, value]) => [name, [...(value ?? [])]]),
          [...(body ?? [])],
        ];
        expect(flat(back)).toEqual(flat({ metadata, data }));
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  it('are written as Temporal itself writes them', () => {
    // encoding = json/plain, data = "hi" in quotes
    const hex = '0a160a08656e636f64696e67120a6a736f6e2f706c61696e12042268692' + '2';
    expect(payloadBytes(payload('hi')).toString('hex')).toBe(hex);
  });

  it('that are cut off are refused', () => {
    const whole = payloadBytes(payload({ a: 1 }));
    const wholeField = 2 + (whole[1] as number);
    for (let length = 1; length < whole.length; length++) {
      if (length === wholeField) continue;
      expect(() => payloadOf(whole.subarray(0, length)), `${length}`).toThrow(RangeError);
    }
  });
});

describe('the codec', () => {
  it('hides what it encrypts, never twice alike, and opens it again', async () => {
    const codec = createPayloadCodec([key('a')]);
    const value = payload({ asset: '/srv/finance' });
    const [one] = await codec.encode([value]);
    const [two] = await codec.encode([value]);
    expect(Buffer.from(one?.data ?? []).toString('latin1')).not.toContain('finance');
    expect(one?.data).not.toEqual(two?.data);
    expect(Buffer.from(one?.metadata?.['encryption-key-id'] ?? []).toString()).toBe('a');
    const [back] = await codec.decode([one as Payload]);
    expect(plain.fromPayload(back as Payload)).toEqual({ asset: '/srv/finance' });
  });

  it('encrypts with the first key, and opens what any of them encrypted: so keys are changed', async () => {
    const [a, b] = [key('a'), key('b')];
    const [old] = await createPayloadCodec([a]).encode([payload(1)]);
    const both = createPayloadCodec([b, a]);
    expect((await both.decode([old as Payload])).map((one) => plain.fromPayload(one))).toEqual([1]);
    const [fresh] = await both.encode([payload(2)]);
    expect(await refusal(createPayloadCodec([a]).decode([fresh as Payload]))).toBe('codec_key_unknown');
    expect(await refusal(createPayloadCodec([b]).decode([old as Payload]))).toBe('codec_key_unknown');
  });

  it('lets pass what is plain, and without keys says that what it meets is encrypted', async () => {
    const value = payload('plain');
    expect(await createPayloadCodec([key('a')]).decode([value])).toEqual([value]);
    const off = createPayloadCodec([]);
    expect(await off.encode([value])).toEqual([value]);
    expect(await refusal(off.decode(await createPayloadCodec([key('a')]).encode([value])))).toBe('codec_off');
  });

  it('notices every changed bit, and another key of the same id', async () => {
    const codec = createPayloadCodec([key('a')]);
    const [sealed] = await codec.encode([payload('x')]);
    const data = Buffer.from(sealed?.data ?? []);
    for (let at = 0; at < data.length; at++) {
      const changed = Buffer.from(data);
      changed[at] = (changed[at] as number) ^ 1;
      expect(await refusal(codec.decode([{ ...sealed, data: changed }])), `byte ${at}`).toBe('codec_damaged');
    }
    expect(await refusal(codec.decode([{ ...sealed, data: data.subarray(0, 5) }]))).toBe('codec_damaged');
    expect(await refusal(createPayloadCodec([key('a')]).decode([sealed as Payload]))).toBe('codec_damaged');
  });
});
