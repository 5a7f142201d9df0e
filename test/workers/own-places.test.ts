import { expect, test } from 'vitest';
import { ownPlaces } from '../../workers/own-places.ts';

test('our own state is the home and the ledger, a folder or in a bucket', () => {
  expect(ownPlaces({ home: '/home', ledger: { place: '/mnt/ledger', access: {} } })).toEqual({
    folders: ['/home', '/mnt/ledger'],
  });
  expect(ownPlaces({ home: '/home', ledger: { place: 's3://bucket/ledger', access: {} } })).toEqual({
    folders: ['/home'],
    bucket: { kind: 's3', bucket: 'bucket', prefix: 'ledger/' },
  });
});
