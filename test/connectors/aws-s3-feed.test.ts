import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { CreateQueueCommand, GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { expect, test } from 'vitest';
import { Secret } from '../../config/secret.ts';
import { createSqsFeed } from '../../connectors/aws-s3/feed.ts';
import type { AwsS3Settings } from '../../connectors/aws-s3/settings.ts';
import { startMoto } from '../../scripts/servers/moto.ts';
import type { S3Server } from '../../scripts/servers/seaweedfs.ts';
import { feedConformance } from './feed-conformance.ts';

let server: S3Server;
let stages = 0;
let writes = 0;

/** A bucket that notifies a queue. */
async function makeStage() {
  const name = `watched-${process.pid}-${stages++}`;
  const access = {
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey },
  };
  const s3 = new S3Client({ ...access, forcePathStyle: true });
  const sqs = new SQSClient(access);
  await s3.send(new CreateBucketCommand({ Bucket: name }));
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
  await s3.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket: name,
      NotificationConfiguration: {
        QueueConfigurations: [{ QueueArn: Attributes?.QueueArn, Events: ['s3:ObjectCreated:*', 's3:ObjectRemoved:*'] }],
      },
    }),
  );
  const settings: AwsS3Settings = {
    id: 'objects',
    assets: [`${name}/in/`],
    endpoint: server.endpoint,
    access: {
      kind: 'keys',
      accessKeyId: new Secret(server.accessKeyId),
      secretAccessKey: new Secret(server.secretAccessKey),
    },
  };
  const put = (Key: string) => s3.send(new PutObjectCommand({ Bucket: name, Key, Body: `bytes of write ${writes++}` }));
  return {
    name,
    sqs,
    s3,
    QueueUrl,
    settings,
    putKey: put,
    lapseMs: 3_000,
    put: async (location: string) => {
      await put(`in/${location}`);
    },
    junk: async () => {
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'no event' }));
    },
    open: async () => createSqsFeed(settings, { kind: 'sqs', queueUrl: QueueUrl, visibility: 3 }, 1_000),
    close: async () => {
      s3.destroy();
      sqs.destroy();
    },
  };
}

feedConformance('SQS', {
  start: async () => {
    server = await startMoto();
  },
  stage: makeStage,
  stop: () => server.stop(),
});

test('a reader that is killed loses nothing, and what is no event is taken away', async () => {
  server = await startMoto();
  const stage = await makeStage();
  try {
    await stage.put('killed.txt');
    await stage.putKey('out/elsewhere.txt');
    await stage.putKey('dsxconnect-quarantine/moved.txt');
    await stage.s3.send(new DeleteObjectCommand({ Bucket: stage.name, Key: 'in/killed.txt' }));
    // What a reader does that is killed: it receives, and is heard of no more.
    const { ReceiveMessageCommand } = await import('@aws-sdk/client-sqs');
    const { Messages } = await stage.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: stage.QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 2 }),
    );
    expect(Messages?.length).toBeGreaterThan(1);
    const feed = await stage.open();
    const locations: string[] = [];
    let ignored = 0;
    while (locations.length === 0 || ignored < 4) {
      const batch = await feed.next(AbortSignal.timeout(20_000));
      locations.push(...batch.events.map(({ location }) => location));
      ignored += batch.ignored ?? 0;
      await batch.acknowledge();
    }
    expect(locations).toEqual(['killed.txt']);
    // The test message, the deletion, another prefix, quarantine.
    expect(ignored).toBe(4);
    const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
    const { Attributes } = await stage.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: stage.QueueUrl, AttributeNames: [...names] }),
    );
    expect(names.map((name) => Attributes?.[name])).toEqual(['0', '0']);
    await feed.close();
  } finally {
    await stage.close();
    await server.stop();
  }
}, 120_000);

test.each([
  ['a queue that is not there', 'missing', 'configuration'],
  ['a server that is not there', undefined, 'unreachable'],
])(
  '%s is told as what it is',
  async (_, queue, code) => {
    server = await startMoto();
    const stage = await makeStage();
    const queueUrl = queue === undefined ? 'http://127.0.0.1:9/1/q' : `${server.endpoint}/123456789012/${queue}`;
    const feed = createSqsFeed(stage.settings, { kind: 'sqs', queueUrl }, 1_000);
    try {
      await expect(feed.next(AbortSignal.timeout(20_000))).rejects.toMatchObject({ code });
    } finally {
      await feed.close();
      await stage.close();
      await server.stop();
    }
  },
  120_000,
);
