import { createSign, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { IntakeError } from '../../intake/intake.ts';
import { OTHER_KEY, SNS_KEY } from './sns-fixture.ts';
import { type Door, startDoor, startVendorHost, type VendorHost } from './support.ts';

const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:uploads';
const HOST = 'https://sns.eu-central-1.amazonaws.com';
const CERTIFICATE = `${HOST}/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem`;
const SECRET = 'eventbridge-secret-0123456789';
const PATH = '/events/s3/reports';
const CONNECTOR = {
  id: 'reports',
  kind: 'aws_s3',
  asset: 'reports/incoming/',
  watch: {
    webhook: [
      { source: 's3', topic: TOPIC },
      { source: 's3', secret: SECRET },
    ],
  },
};

/** As S3 encodes keys in its own notifications. */
const encoded = (key: string) => encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/');

function record(key: string, more: { name?: string; sequencer?: string; bucket?: string } = {}) {
  const { name = 'ObjectCreated:Put', sequencer = '0055AED6DCD90281E5', bucket = 'reports' } = more;
  return {
    eventVersion: '2.1',
    eventSource: 'aws:s3',
    awsRegion: 'eu-central-1',
    eventTime: '2026-11-23T10:00:00.000Z',
    eventName: name,
    s3: {
      s3SchemaVersion: '1.0',
      bucket: { name: bucket, arn: `arn:aws:s3:::${bucket}` },
      object: { key: encoded(key), size: 3, eTag: 'd41d8cd98f00b204e9800998ecf8427e', versionId: 'v1', sequencer },
    },
  };
}

interface Message {
  Type: string;
  MessageId: string;
  TopicArn: string;
  Message: string;
  Timestamp: string;
  SignatureVersion: string;
  SigningCertURL: string;
  Subject?: string;
  Token?: string;
  SubscribeURL?: string;
  Signature?: string;
}

const SIGNED = ['Message', 'MessageId', 'Subject', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'] as const;

/** A message as SNS signs it: fields by name, each on lines of its own. */
function sns(more: Partial<Message>, key = SNS_KEY): Message {
  const message: Message = {
    Type: 'Notification',
    MessageId: randomUUID(),
    TopicArn: TOPIC,
    Subject: 'Amazon S3 Notification',
    Message: JSON.stringify({ Records: [record('incoming/a.txt')] }),
    Timestamp: new Date().toISOString(),
    SignatureVersion: '2',
    SigningCertURL: CERTIFICATE,
    ...more,
  };
  const text = SIGNED.flatMap((name) => (message[name] === undefined ? [] : [`${name}\n${message[name]}\n`])).join('');
  const algorithm = message.SignatureVersion === '1' ? 'RSA-SHA1' : 'RSA-SHA256';
  return { Signature: createSign(algorithm).update(text).sign(key, 'base64'), ...message };
}

const confirmation = (more: Partial<Message> = {}) => {
  const { Subject: _, ...rest } = { ...sns({}) };
  const { Signature: __, ...unsigned } = rest;
  const message = {
    ...unsigned,
    Type: 'SubscriptionConfirmation',
    Message: 'You have chosen to subscribe',
    Token: 'ab'.repeat(64),
    SubscribeURL: 'https://evil.example/?confirm',
    ...more,
  };
  const text = SIGNED.flatMap((name) => {
    const value = (message as Partial<Message>)[name];
    return value === undefined ? [] : [`${name}\n${value}\n`];
  }).join('');
  return { ...message, Signature: createSign('RSA-SHA256').update(text).sign(SNS_KEY, 'base64') };
};

let host: VendorHost;
let door: Door;
beforeAll(async () => {
  host = await startVendorHost();
});
afterAll(() => host.stop());
beforeEach(async () => {
  host.asked.length = 0;
  door = await startDoor(CONNECTOR, { get: host.get });
});
afterEach(() => door.stop());

const send = (body: unknown, headers: Record<string, string> = { 'content-type': 'text/plain; charset=UTF-8' }) =>
  door.send(PATH, typeof body === 'string' ? body : JSON.stringify(body), headers);
const withSecret = (body: unknown, secret = SECRET) => send(body, { 'x-dsx-webhook-secret': secret });

describe('messages of SNS', () => {
  it.each(['1', '2'])(
    'are taken with a good signature of version %s; the certificate is asked for once',
    async (version) => {
      for (const _ of [1, 2]) {
        expect(await send(sns({ SignatureVersion: version }))).toMatchObject({
          status: 200,
          body: { taken: 1, ignored: 0 },
        });
      }
      expect(door.intake.events[0]).toMatchObject({
        connector: 'reports',
        event: { location: 'a.txt', at: '2026-11-23T10:00:00.000Z' },
      });
      expect(host.asked).toEqual([CERTIFICATE]);
    },
  );

  it('all records count, and what is no event or lies elsewhere is told and left', async () => {
    const Records = [
      record('incoming/one.txt'),
      record('incoming/two.txt', { name: 'ObjectCreated:CompleteMultipartUpload' }),
      record('incoming/gone.txt', { name: 'ObjectRemoved:Delete' }),
      record('incoming/tagged.txt', { name: 'ObjectTagging:Put' }),
      record('incoming/acl.txt', { name: 'ObjectAcl:Put' }),
      record('outgoing/three.txt'),
      record('incoming/four.txt', { bucket: 'other' }),
      record('incoming/'),
    ];
    expect(await send(sns({ Message: JSON.stringify({ Records }) }))).toMatchObject({ body: { taken: 2, ignored: 6 } });
    expect(door.intake.locations).toEqual(['one.txt', 'two.txt']);
    expect(door.webhooks.counts('s3', 'reports')).toEqual({ taken: 2, ignored: 6, refused: 0 });
  });

  it('the test message of S3 is answered, and nothing is scanned', async () => {
    const Message = JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'reports' });
    expect(await send(sns({ Message }))).toMatchObject({ status: 200, body: { taken: 0, ignored: 1 } });
  });

  it('a later write has the greater order, and another version though its ETag is the same', async () => {
    const Records = ['0055AED6DCD90281E5', '0055AED6DCD90281E6'].map((sequencer) =>
      record('incoming/a', { sequencer }),
    );
    await send(sns({ Message: JSON.stringify({ Records }) }));
    const [first, second] = door.intake.events.map(({ event }) => event);
    expect((first?.order ?? '') < (second?.order ?? '')).toBe(true);
    expect(first?.version).not.toBe(second?.version);
    expect(first?.id).not.toBe(second?.id);
  });

  it.each<[string, (message: Message) => Message]>([
    ['another text', (m) => ({ ...m, Message: JSON.stringify({ Records: [record('incoming/b.txt')] }) })],
    ['another id', (m) => ({ ...m, MessageId: randomUUID() })],
    ['another subject', (m) => ({ ...m, Subject: 'other' })],
    ['no subject', ({ Subject: _, ...m }) => m],
    ['another time', (m) => ({ ...m, Timestamp: new Date(Date.now() - 1_000).toISOString() })],
    ['another version of the signature', (m) => ({ ...m, SignatureVersion: '1' })],
    ['a version that there is not', (m) => ({ ...m, SignatureVersion: '3' })],
    ['no signature', ({ Signature: _, ...m }) => m],
    ['lines moved from one field to the next', (m) => ({ ...m, Subject: `${m.Subject}\nTimestamp\n${m.Timestamp}` })],
  ])('are refused when tampered with: %s', async (_what, tamper) => {
    expect(await send(tamper(sns({})))).toMatchObject({ status: 401, code: 'delivery_unverified' });
    expect(door.intake.events).toEqual([]);
  });

  it('are refused with the signature of somebody else', async () => {
    expect(await send(sns({}, OTHER_KEY))).toMatchObject({ status: 401, code: 'delivery_unverified' });
  });

  it.each([-3 * 3_600_000, 3_600_000])('are refused %i ms off', async (ms) => {
    const Timestamp = new Date(Date.now() + ms).toISOString();
    expect(await send(sns({ Timestamp }))).toMatchObject({ status: 401, code: 'delivery_unverified' });
  });

  it('of another topic are refused before anything is asked for', async () => {
    const TopicArn = 'arn:aws:sns:eu-central-1:999999999999:uploads';
    expect(await send(sns({ TopicArn }))).toMatchObject({ status: 403, code: 'delivery_refused' });
    expect(host.asked).toEqual([]);
  });

  it.each([
    'http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-ab.pem',
    'https://sns.us-east-1.amazonaws.com/SimpleNotificationService-ab.pem',
    'https://sns.eu-central-1.amazonaws.com.evil.example/SimpleNotificationService-ab.pem',
    'https://evil.example/SimpleNotificationService-ab.pem',
    'https://sns.eu-central-1.amazonaws.com@evil.example/SimpleNotificationService-ab.pem',
    'https://evil.example#@sns.eu-central-1.amazonaws.com/SimpleNotificationService-ab.pem',
    'https://user:pw@sns.eu-central-1.amazonaws.com/SimpleNotificationService-ab.pem',
    'https://sns.eu-central-1.amazonaws.com:8443/SimpleNotificationService-ab.pem',
    'https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-ab.pem?Action=Publish',
    'https://sns.eu-central-1.amazonaws.com/?a=SimpleNotificationService-ab.pem',
    'https://sns.eu-central-1.amazonaws.com/other/SimpleNotificationService-ab.pem',
    'https://sns.eu-central-1.amazonaws.com/%53impleNotificationService-ab.pem',
    'https:\\\\sns.eu-central-1.amazonaws.com/SimpleNotificationService-ab.pem',
    'HTTPS://sns.eu-central-1.amazonaws.com/SimpleNotificationService-ab.pem',
    'https://127.0.0.1/SimpleNotificationService-ab.pem',
    'file:///etc/passwd',
    '',
  ])('whose certificate lies at %j are refused, and nobody is asked for it', async (SigningCertURL) => {
    expect(await send(sns({ SigningCertURL }))).toMatchObject({ status: 401, code: 'delivery_unverified' });
    expect(host.asked).toEqual([]);
  });

  it.each([
    ['is gone', { status: 404, body: '' }],
    ['leads elsewhere', { status: 302, body: '', location: 'https://evil.example/x.pem' }],
    ['is no certificate', { status: 200, body: 'hello' }],
    ['is far too long', { status: 200, body: 'x'.repeat(1_000_000) }],
  ])('a certificate that %s: SNS is to come again, and then is taken', async (_what, answer) => {
    const usual = host.answer;
    host.answer = () => answer;
    expect(await send(sns({}))).toMatchObject({ status: 503, code: 'verification_unavailable', retryAfter: '30' });
    host.answer = usual;
    expect(await send(sns({}))).toMatchObject({ status: 200 });
    expect(host.asked).toEqual([CERTIFICATE, CERTIFICATE]);
  });

  it('one that is sent twice is taken once', async () => {
    const message = sns({});
    expect(await send(message)).toMatchObject({ status: 200, body: { taken: 1 } });
    expect(await send(message)).toMatchObject({ status: 200, body: { taken: 0 } });
    expect(door.intake.events).toHaveLength(1);
  });

  it.each([
    [new IntakeError('unavailable', 'down', 5_000), 503, 'intake_unavailable', '5'],
    [new IntakeError('over_capacity', 'full', 1_500), 429, 'over_capacity', '2'],
  ])('while nothing can be taken they are to come again: %s', async (fault, status, code, retryAfter) => {
    const message = sns({});
    door.intake.fault = fault;
    expect(await send(message)).toMatchObject({ status, code, retryAfter });
    door.intake.fault = undefined;
    expect(await send(message)).toMatchObject({ status: 200, body: { taken: 1 } });
  });

  it('are answered only when they are handed over', async () => {
    let open = (): void => undefined;
    door.intake.gate = new Promise((resolve) => {
      open = resolve;
    });
    const message = sns({});
    let answered = false;
    const first = send(message).finally(() => {
      answered = true;
    });
    // The second is answered while the first is still in hand.
    await expect.poll(() => host.asked.length).toBe(1);
    await expect.poll(async () => (await send(message)).code).toBe('delivery_in_hand');
    expect(answered).toBe(false);
    open();
    expect(await first).toMatchObject({ status: 200, body: { taken: 1 } });
    expect(door.intake.events).toHaveLength(1);
  });
});

describe('the confirmation of a subscription', () => {
  it('goes to SNS itself, with the topic and the token, never to the address in the message', async () => {
    expect(await send(confirmation())).toMatchObject({ status: 200 });
    const query = new URLSearchParams({ Action: 'ConfirmSubscription', TopicArn: TOPIC, Token: 'ab'.repeat(64) });
    expect(host.asked).toEqual([CERTIFICATE, `${HOST}/?${query}`]);
    expect(door.said).toEqual([`reports: confirmed ${TOPIC}`]);
  });

  it.each<[string, Record<string, string>, number]>([
    ['another topic', { TopicArn: 'arn:aws:sns:eu-central-1:999999999999:uploads' }, 403],
    ['a token that is none', { Token: 'x&Action=DeleteTopic' }, 401],
    ['a forged signature', { Signature: 'AAAA' }, 401],
  ])('is refused for %s, and nothing is confirmed', async (_what, more, status) => {
    expect((await send({ ...confirmation(more), ...more })).status).toBe(status);
    expect(host.asked.filter((url) => url.includes('Action'))).toEqual([]);
  });

  it('that SNS refuses is to come again', async () => {
    const usual = host.answer;
    host.answer = (url) => (url.endsWith('.pem') ? usual(url) : { status: 400, body: '' });
    expect(await send(confirmation())).toMatchObject({ status: 503, code: 'verification_unavailable' });
    host.answer = usual;
  });

  it('that we were unsubscribed is told, and the address that would undo it is not visited', async () => {
    expect(await send(confirmation({ Type: 'UnsubscribeConfirmation' }))).toMatchObject({ status: 200 });
    expect(host.asked).toEqual([CERTIFICATE]);
    expect(door.said).toEqual([`reports: unsubscribed ${TOPIC}`]);
  });
});

describe('EventBridge and Lambda', () => {
  const bridged = (key: string, type = 'Object Created') => ({
    version: '0',
    id: '17793124-05d4-b198-2fde-7ededc63b103',
    'detail-type': type,
    source: 'aws.s3',
    account: '123456789012',
    time: '2026-11-23T10:00:00Z',
    region: 'eu-central-1',
    detail: {
      version: '0',
      bucket: { name: 'reports' },
      object: {
        key,
        size: 5,
        etag: 'b1946ac92492d2347c6235b4d2611184',
        'version-id': 'v',
        sequencer: '00617F08299329D189',
      },
      reason: 'PutObject',
    },
  });

  it('an event of EventBridge is taken with the secret, its key as it is', async () => {
    expect(await withSecret(bridged('incoming/a+b %41.txt'))).toMatchObject({ status: 200, body: { taken: 1 } });
    expect(door.intake.locations).toEqual(['a+b %41.txt']);
  });

  it.each(['Object Deleted', 'Object Tags Added', 'Object Tags Deleted', 'Object ACL Updated'])(
    '%s is answered, and nothing is scanned',
    async (type) => {
      expect(await withSecret(bridged('incoming/a', type))).toMatchObject({
        status: 200,
        body: { taken: 0, ignored: 1 },
      });
    },
  );

  it('the records of S3 are taken as a Lambda function forwards them', async () => {
    const body = { Records: [record('incoming/a b.txt'), record('incoming/ü/c.txt')] };
    expect(await withSecret(body)).toMatchObject({ status: 200, body: { taken: 2 } });
    expect(door.intake.locations).toEqual(['a b.txt', 'ü/c.txt']);
  });

  it.each([undefined, '', `${SECRET}x`, SECRET.slice(0, -1), SECRET.toUpperCase()])(
    'with the secret %j it is refused',
    async (secret) => {
      const body = bridged('incoming/a');
      const answer = await (secret === undefined ? send(body) : withSecret(body, secret));
      expect(answer).toMatchObject({ status: 401, code: 'delivery_unverified' });
      expect(JSON.stringify(answer.body)).not.toContain('secret');
      expect(door.intake.events).toEqual([]);
    },
  );

  it('what can not be understood is not answered as done, and what can be is not lost by it', async () => {
    const body = { Records: [record('incoming/a'), { eventName: 'ObjectCreated:Put' }] };
    expect(await withSecret(body)).toMatchObject({ status: 400, code: 'delivery_invalid' });
    expect(door.intake.locations).toEqual(['a']);
    for (const text of ['', '[]', '{', '"x"', '{"a":1}']) expect((await withSecret(text)).status).toBe(400);
  });
});

describe('keys', () => {
  const odd = fc
    .array(
      fc.oneof(
        fc.constantFrom('+', '%', '%2B', '%25', ' ', '\n', '//', '/', 'é', '𝄞', '%00', '&', '?', '#', '"', '\\', '..'),
        fc.string({ unit: 'grapheme', maxLength: 6 }),
      ),
      { minLength: 1, maxLength: 8 },
    )
    .map((parts) => parts.join('').toWellFormed().replaceAll('\0', ''))
    .filter((key) => key !== '');

  test('are decoded exactly once where the source encodes them, and never where it does not', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(odd, { minLength: 1, maxLength: 20 }), async (keys) => {
        door.intake.events.length = 0;
        const Records = keys.map((key) => ({ ...record(`incoming/${key}x`) }));
        await withSecret({ Records });
        expect(door.intake.locations).toEqual(keys.map((key) => `${key}x`));
        door.intake.events.length = 0;
        const detail = {
          bucket: { name: 'reports' },
          object: { key: `incoming/${keys[0]}x`, size: 1, sequencer: 'A' },
        };
        await withSecret({ source: 'aws.s3', 'detail-type': 'Object Created', time: '2026-11-23T10:00:00Z', detail });
        expect(door.intake.locations).toEqual([`${keys[0]}x`]);
      }),
      { numRuns: 60, seed: 20261123 },
    );
  });

  test('with several assets have their bucket in front, as the listing has it', async () => {
    const asset = ['reports/incoming/', 'letters'];
    const webhook = [{ source: 's3', secret: SECRET }];
    const many = await startDoor({ ...CONNECTOR, asset, watch: { webhook } });
    const Records = [
      record('incoming/a b'),
      record('x//y', { bucket: 'letters' }),
      record('dsxconnect-quarantine/q', { bucket: 'letters' }),
    ];
    const body = JSON.stringify({ Records });
    expect(await many.send(PATH, body, { 'x-dsx-webhook-secret': SECRET })).toMatchObject({
      body: { taken: 2, ignored: 1 },
    });
    expect(many.intake.locations).toEqual(['reports/incoming/a b', 'letters/x//y']);
    await many.stop();
  });
});
