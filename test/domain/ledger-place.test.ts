import { describe, expect, test } from 'vitest';
import { type LedgerBucket, ledgerPrefixIn, parseLedgerBucket, placeOf } from '../../domain/ledger-place.ts';

describe('the place of a ledger', () => {
  test.each<[string, LedgerBucket]>([
    ['s3://my-bucket/dsx/ledger', { kind: 's3', bucket: 'my-bucket', prefix: 'dsx/ledger/' }],
    ['s3://my-bucket/dsx/ledger/', { kind: 's3', bucket: 'my-bucket', prefix: 'dsx/ledger/' }],
    ['s3://my.bucket', { kind: 's3', bucket: 'my.bucket', prefix: '' }],
    ['gs://my_bucket/l', { kind: 'gs', bucket: 'my_bucket', prefix: 'l/' }],
    ['az://account1/box/a/b', { kind: 'az', account: 'account1', bucket: 'box', prefix: 'a/b/' }],
    ['az://account1/box', { kind: 'az', account: 'account1', bucket: 'box', prefix: '' }],
  ])('%s', (place, found) => {
    expect(parseLedgerBucket(place)).toEqual(found);
    expect(placeOf(found)).toBe(place.replace(/\/$/, ''));
    expect(parseLedgerBucket(placeOf(found))).toEqual(found);
  });

  test.each([
    '/var/ledger',
    's3:/bucket/x',
    'S3://bucket/x',
    's3://',
    's3://b',
    's3://Bucket/x',
    's3://bucket//x',
    's3://bucket/../x',
    's3://bucket/.x',
    's3://bucket/a b',
    's3://key:secret@bucket/x',
    's3://bucket/x?region=r',
    'az://account1',
    'az://container/x/y/-z',
    'az://acc-ount/box/x',
    'az://account1/Box/x',
    'gs://bucket/x#y',
    'https://bucket/x',
  ])('is not %s', (place) => {
    expect(parseLedgerBucket(place)).toBeUndefined();
  });
});

test('in a bucket that is scanned it is told by kind, account and bucket', () => {
  const s3 = parseLedgerBucket('s3://bucket/dsx/ledger');
  expect(ledgerPrefixIn(s3, { kind: 's3', bucket: 'bucket' })).toBe('dsx/ledger/');
  expect(ledgerPrefixIn(s3, { kind: 'gs', bucket: 'bucket' })).toBeUndefined();
  expect(ledgerPrefixIn(s3, { kind: 's3', bucket: 'other' })).toBeUndefined();
  expect(ledgerPrefixIn(undefined, { kind: 's3', bucket: 'bucket' })).toBeUndefined();
  const azure = parseLedgerBucket('az://account1/box');
  expect(ledgerPrefixIn(azure, { kind: 'az', account: 'account1', bucket: 'box' })).toBe('');
  expect(ledgerPrefixIn(azure, { kind: 'az', account: 'account2', bucket: 'box' })).toBeUndefined();
});
