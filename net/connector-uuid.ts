import { createHash } from 'node:crypto';

/** The UUIDs of connectors are made below this one (RFC 9562, version 5). */
const NAMESPACE = Buffer.from('5f0c2d1e6b7a4c3e9d8f0a1b2c3d4e5f', 'hex');
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The UUID under which former clients and receivers know a connector: the same everywhere and always. An id that is one stands for itself. */
export function connectorUuid(id: string): string {
  if (UUID.test(id)) return id;
  const bytes = createHash('sha1').update(NAMESPACE).update(`connector:${id}`).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
