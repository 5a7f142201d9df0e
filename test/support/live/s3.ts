import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { startMoto } from '../../../scripts/servers/moto.ts';
import type { LiveSource } from './live.ts';
import { startS3Front } from './s3-front.ts';

export interface LiveS3 extends LiveSource {
  /** Messages in the queue, hidden ones too. */
  waiting(): Promise<number>;
  /** From now on the bucket tells nobody, or tells again. */
  tell(on: boolean): Promise<void>;
}

/** A bucket of moto that tells a queue of it what is written and deleted. */
export async function liveS3(): Promise<LiveS3> {
  const server = await startMoto();
  const access = {
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey },
  };
  const s3 = new S3Client({ ...access, forcePathStyle: true });
  const front = await startS3Front(server.endpoint, s3);
  const sqs = new SQSClient(access);
  const Bucket = 'live';
  await s3.send(new CreateBucketCommand({ Bucket }));
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: Bucket }));
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
  const all = {
    QueueArn: Attributes?.QueueArn,
    Events: ['s3:ObjectCreated:*' as const, 's3:ObjectRemoved:*' as const],
  };
  const tell = async (on: boolean) => {
    const NotificationConfiguration = on ? { QueueConfigurations: [all] } : {};
    await s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }));
  };
  await tell(true);
  const keys = async (Prefix: string) => {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
    return Contents.map(({ Key = '' }) => Key);
  };
  return {
    connector: {
      id: 's3',
      kind: 'aws_s3',
      asset: `${Bucket}/in/`,
      action: 'move',
      endpoint: front.endpoint,
      accessKeyId: server.accessKeyId,
      secretAccessKey: server.secretAccessKey,
      watch: { pull: { sqs: { queueUrl: QueueUrl, endpoint: server.endpoint, visibility: '10s' } } },
    },
    tellsOfQuarantine: true,
    tell,
    put: async (location, Body) => void (await s3.send(new PutObjectCommand({ Bucket, Key: `in/${location}`, Body }))),
    locations: async () => (await keys('in/')).map((key) => key.slice('in/'.length)),
    quarantined: async () => {
      const bodies = (await keys('dsxconnect-quarantine/')).map(async (Key) => {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
        return (await Body?.transformToString()) ?? '';
      });
      return await Promise.all(bodies);
    },
    waiting: async () => {
      const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
      const { Attributes = {} } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...names] }),
      );
      return names.reduce((sum, name) => sum + Number(Attributes[name]), 0);
    },
    close: async () => {
      s3.destroy();
      sqs.destroy();
      await front.close();
      await server.stop();
    },
  };
}
