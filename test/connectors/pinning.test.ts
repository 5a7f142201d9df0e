import { describe, expect, test } from 'vitest';
import { pinsOf } from '../../connectors/pinning.ts';

const WRITTEN = '2026-01-01T00:00:00.000Z';
const MS = Date.parse(WRITTEN);
const fs = (ctimeNs: bigint, mtimeNs = ctimeNs) => `fs1:66:12:100:${mtimeNs}:${ctimeNs}`;
const NS = BigInt(MS) * 1_000_000n;

describe('a version pins the bytes', () => {
  test.each([
    ['filesystem', fs(NS + 1n), undefined, 100],
    ['filesystem', fs(NS + 1n, NS + 10n ** 18n), undefined, 100],
    ['filesystem', fs(NS), undefined, 2_000],
    ['aws_s3', 's3:d41d8cd98f00b204e9800998ecf8427e:3sL4kqtJlcpXroDTDmJ', WRITTEN, 1],
    ['aws_s3', 's3:d41d8cd98f00b204e9800998ecf8427e-2:3sL4kqtJlcpXroDTDmJ', WRITTEN, 1],
    ['aws_s3', 's3:d41d8cd98f00b204e9800998ecf8427e', WRITTEN, 60_000],
    ['azure_blob_storage', '0x8DE4A1B2C3D4E5F', WRITTEN, 1],
    ['google_cloud_storage', '1767225600000000', WRITTEN, 1],
    ['sharepoint', 'graph1:01ABC:"c:{1A2B},3"', WRITTEN, 1],
    ['onedrive', 'graph1:01ABC!7:aYzox', WRITTEN, 1],
  ] as const)('%s: %s, written at %s, judged %i ms later', (kind, version, modified, later) => {
    expect(pinsOf(kind)(version, modified, MS + later)).toBe(true);
  });
});

describe('a version proves nothing', () => {
  test.each([
    // Judged within one step of the clock that stamps writes.
    ['filesystem', fs(NS + 1n), undefined, 99],
    ['filesystem', fs(NS), undefined, 1_999],
    ['filesystem', fs(NS + 10n ** 15n), undefined, 0],
    ['filesystem', 'fs1:66:12:100', undefined, 1e9],
    // Two contents can be made to have one MD5; these were written and read within what its time can tell, or have no time of their own.
    ['aws_s3', 's3:d41d8cd98f00b204e9800998ecf8427e', WRITTEN, 59_999],
    ['aws_s3', 's3:d41d8cd98f00b204e9800998ecf8427e', undefined, 1e9],
    ['aws_s3', 's3:d41d8cd98f00b204e9800998ecf8427e-2', WRITTEN, 1e9],
    ['aws_s3', '', WRITTEN, 1e9],
    ['azure_blob_storage', '', WRITTEN, 1e9],
    ['google_cloud_storage', '0', WRITTEN, 1e9],
    ['sharepoint', 'graph1:01ABC:', WRITTEN, 1e9],
    ['remote', 'anything', WRITTEN, 1e9],
  ] as const)('%s: %s, written at %s, judged %d ms later', (kind, version, modified, later) => {
    expect(pinsOf(kind)(version, modified, MS + later)).toBe(false);
  });
});
