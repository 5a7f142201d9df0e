import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { s3Events } from '../../connectors/aws-s3/events.ts';
import { placeOf as s3PlaceOf } from '../../connectors/aws-s3/place.ts';
import { azureEvents } from '../../connectors/azure-blob/events.ts';
import { Names } from '../../connectors/azure-blob/names.ts';
import { gcsEvents } from '../../connectors/google-cloud-storage/events.ts';
import { placeOf as gcsPlaceOf } from '../../connectors/google-cloud-storage/place.ts';

const AT = '2026-11-23T10:00:00.000Z';
const s3Place = s3PlaceOf({ id: 's3', assets: ['bucket/in/'], access: { kind: 'default' } });
const twoBuckets = s3PlaceOf({ id: 's3', assets: ['bucket/in/', 'other'], access: { kind: 'default' } });
const names = new Names({ assets: [{ container: 'docs', prefix: 'in/' }] }, 'acc');
const gcsPlace = gcsPlaceOf({ id: 'gcs', assets: ['bucket/in'] });

const record = (key: string, more: Record<string, unknown> = {}, object: Record<string, unknown> = {}) => ({
  eventName: 'ObjectCreated:Put',
  eventTime: '2026-11-23T09:59:59.123Z',
  s3: {
    bucket: { name: 'bucket' },
    object: { key, size: 3, eTag: 'e1', versionId: 'v1', sequencer: '0055AED6DCD90281E5', ...object },
  },
  ...more,
});
const s3 = (body: unknown, place = s3Place) => s3Events(JSON.stringify(body), place, AT);
const encoded = (key: string) => encodeURIComponent(key).replaceAll('%20', '+');

describe('S3', () => {
  test('every record of a message is an event, its key decoded', () => {
    const { events, ignored, unreadable } = s3({ Records: [record('in/a+b/%C3%A9.txt'), record('in/x%2By.txt')] });
    expect(events.map(({ location }) => location)).toEqual(['a b/é.txt', 'x+y.txt']);
    expect(events[0]).toMatchObject({ at: '2026-11-23T09:59:59.123Z', version: expect.stringContaining('s3:e1:v1') });
    expect([ignored, unreadable]).toEqual([0, 0]);
  });

  test('any key comes back as it was, whatever is in it', () => {
    const key = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((text) => !text.endsWith('/'));
    fc.assert(
      fc.property(key, (name) => {
        const [event] = s3({ Records: [record(encoded(`in/${name}`))] }).events;
        expect(event?.location).toBe(name);
      }),
      { seed: 7 },
    );
  });

  test('one event is the same by each way: directly, through SNS, through EventBridge', () => {
    const [direct] = s3({ Records: [record('in/a+b.txt')] }).events;
    const [sns] = s3({ Type: 'Notification', Message: JSON.stringify({ Records: [record('in/a+b.txt')] }) }).events;
    const [lambda] = s3({
      Records: [{ Sns: { Message: JSON.stringify({ Records: [record('in/a+b.txt')] }) } }],
    }).events;
    const [bridge] = s3({
      source: 'aws.s3',
      'detail-type': 'Object Created',
      time: '2026-11-23T09:59:59Z',
      detail: {
        bucket: { name: 'bucket' },
        object: { key: 'in/a b.txt', size: 3, etag: 'e1', 'version-id': 'v1', sequencer: '0055AED6DCD90281E5' },
      },
    }).events;
    for (const other of [sns, lambda, bridge]) {
      expect(other).toMatchObject({
        id: direct?.id,
        location: 'a b.txt',
        version: direct?.version,
        order: direct?.order,
      });
    }
  });

  test('sequencers of differing length compare as numbers', () => {
    const orders = ['0055AED6DCD90281E5', '55AED6DCD90281E6', '1'].map(
      (sequencer) => s3({ Records: [record('in/a', {}, { sequencer })] }).events[0]?.order ?? '',
    );
    expect([...orders].sort()).toEqual([orders[2], orders[0], orders[1]]);
  });

  test.each([
    ['a deletion', { Records: [record('in/a', { eventName: 'ObjectRemoved:Delete' })] }],
    ['a tag', { Records: [record('in/a', { eventName: 'ObjectTagging:Put' })] }],
    ['another prefix', { Records: [record('out/a')] }],
    ['the prefix itself', { Records: [record('in/')] }],
    ['a mark of a folder', { Records: [record('in/f/', {}, { size: 0 })] }],
    ['another bucket', { Records: [record('in/a', { s3: { bucket: { name: 'x' }, object: { key: 'in/a' } } })] }],
    ['quarantine', { Records: [record('dsxconnect-quarantine/in/a')] }],
    ['a test message', { Service: 'Amazon S3', Event: 's3:TestEvent' }],
    ['a confirmation', { Type: 'SubscriptionConfirmation' }],
  ])('%s is no event', (_, body) => {
    expect(s3(body)).toEqual({ events: [], ignored: 1, unreadable: 0 });
  });

  test('with several assets the location has its bucket; a restored object is an event', () => {
    const bucket = { bucket: { name: 'other' }, object: { key: 'k', eTag: 'e' } };
    const { events } = s3({ Records: [record('', { eventName: 'ObjectRestore:Completed', s3: bucket })] }, twoBuckets);
    expect(events.map(({ location }) => location)).toEqual(['other/k']);
  });

  test('a record that can not be understood does not take the others with it', () => {
    const found = s3({ Records: [record('in/a'), record('in/%ff'), { eventName: 7 }, null] });
    expect(found.events).toHaveLength(1);
    expect(found.unreadable).toBe(3);
  });
});

describe('Event Grid', () => {
  const created = (more: Record<string, unknown> = {}) => ({
    topic: '/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/ACC',
    subject: '/blobServices/default/containers/docs/blobs/in/a b+%41/é.txt',
    eventType: 'Microsoft.Storage.BlobCreated',
    id: 'e-1',
    eventTime: '2026-11-23T09:59:59.1234567Z',
    data: { api: 'PutBlob', eTag: '"0x1"', contentLength: 3, sequencer: '00ab' },
    ...more,
  });
  const azure = (body: unknown) => azureEvents(JSON.stringify(body), names, 'acc', AT);

  test('a blob that was written is an event, its name as it is', () => {
    const { events } = azure([created()]);
    expect(events).toEqual([
      expect.objectContaining({ location: 'a b+%41/é.txt', version: '0x1', at: '2026-11-23T09:59:59.123Z' }),
    ]);
    expect(events[0]?.order).toMatch(/^0{60}00AB$/);
  });

  test('a file that got another name is an event, without a version', () => {
    const { events } = azure(created({ eventType: 'Microsoft.Storage.BlobRenamed', data: { api: 'RenameFile' } }));
    expect(events[0]?.version).toBeUndefined();
    expect(events).toHaveLength(1);
  });

  test.each([
    ['no name', { subject: '/blobServices/default/containers/c' }],
    ['no data', { data: undefined }],
    ['no type', { eventType: undefined }],
  ])('%s is not understood', (_, more) => {
    expect(azure(created(more))).toEqual({ events: [], ignored: 0, unreadable: 1 });
  });
});

describe('Pub/Sub', () => {
  const attributes = {
    eventType: 'OBJECT_FINALIZE',
    bucketId: 'bucket',
    objectId: 'in/a b.txt',
    objectGeneration: '171',
  };

  test('an object that was finished is an event, with or without its JSON', () => {
    const bare = gcsEvents({ attributes }, gcsPlace, AT).events;
    const object = {
      bucket: 'bucket',
      name: 'in/a b.txt',
      generation: '171',
      size: '3',
      timeCreated: '2026-11-23T09:00:00Z',
    };
    const full = gcsEvents({ attributes, data: JSON.stringify(object) }, gcsPlace, AT).events;
    expect(full).toEqual([{ ...bare[0], at: '2026-11-23T09:00:00.000Z' }]);
    expect(bare[0]).toMatchObject({ location: 'a b.txt', version: '171', order: '00000000000000000171' });
  });

  test.each(['OBJECT_METADATA_UPDATE', 'OBJECT_DELETE', 'OBJECT_ARCHIVE'])('%s is no event', (eventType) => {
    expect(gcsEvents({ attributes: { ...attributes, eventType } }, gcsPlace, AT).ignored).toBe(1);
  });

  test('a message without a type or a name is not understood', () => {
    expect(gcsEvents({ data: 'x' }, gcsPlace, AT).unreadable).toBe(1);
    expect(gcsEvents({ attributes: { eventType: 'OBJECT_FINALIZE' } }, gcsPlace, AT).unreadable).toBe(1);
  });
});

test('whatever comes, nothing is thrown, and every message is accounted for', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
      const attributes = { eventType: body, bucketId: body };
      const all = [
        s3Events(body, s3Place, AT),
        azureEvents(body, names, 'acc', AT),
        gcsEvents({ attributes, data: body }, gcsPlace, AT),
      ];
      for (const { events } of all) expect(events).toEqual([]);
    }),
    { seed: 11, numRuns: 500 },
  );
});
