import type { Payload } from '@temporalio/common';

/**
 * A payload as Protocol Buffers write `temporal.api.common.v1.Payload`: field 1 is a map from text to bytes (`metadata`), field 2
 * bytes (`data`). So what is encrypted here is opened by the codec of any other language too.
 */
const METADATA = 0x0a;
const DATA = 0x12;
const KEY = 0x0a;
const VALUE = 0x12;

export function payloadBytes({ metadata, data }: Payload): Buffer {
  const entries = Object.entries(metadata ?? {}).map(([key, value]) =>
    field(METADATA, Buffer.concat([field(KEY, Buffer.from(key)), field(VALUE, value)])),
  );
  return Buffer.concat([...entries, field(DATA, data ?? new Uint8Array())]);
}

/** @throws RangeError for what is no such message */
export function payloadOf(bytes: Uint8Array): Payload {
  const metadata: Record<string, Uint8Array> = {};
  let data: Uint8Array = new Uint8Array();
  for (const [tag, value] of fieldsOf(bytes)) {
    if (tag === DATA) data = value;
    if (tag !== METADATA) continue;
    let key = '';
    let held: Uint8Array = new Uint8Array();
    for (const [part, content] of fieldsOf(value)) {
      if (part === KEY) key = Buffer.from(content).toString('utf8');
      if (part === VALUE) held = content;
    }
    metadata[key] = held;
  }
  return { metadata, data };
}

/** Tag, length as a varint, value. */
function field(tag: number, value: Uint8Array): Buffer {
  const head = [tag];
  let rest = value.length;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) head.push((rest % 0x80) | 0x80);
  return Buffer.concat([Buffer.from([...head, rest]), value]);
}

/** Fields of the one wire type that these messages have. */
function* fieldsOf(bytes: Uint8Array): Generator<readonly [number, Uint8Array]> {
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at++] as number;
    let length = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = bytes[at++];
      if (byte === undefined || factor > 0x80 ** 4) throw new RangeError('a length is cut off');
      length += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
    }
    if ((tag & 7) !== 2 || at + length > bytes.length) throw new RangeError('a field is cut off');
    yield [tag, bytes.subarray(at, at + length)];
    at += length;
  }
}
