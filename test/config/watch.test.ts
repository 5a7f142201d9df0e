import { describe, expect, it } from 'vitest';
import { connectorSchema } from '../../config/connectors/connectors.ts';
import { missingSecrets } from '../../config/connectors/secret-field.ts';
import { watchOrders } from '../../workers/watch-orders.ts';

const KINDS = {
  aws_s3: { asset: 'bucket' },
  azure_blob_storage: { asset: 'docs', account: 'acc', accountKey: 'key' },
  google_cloud_storage: { asset: 'bucket' },
  filesystem: { asset: '/srv' },
} as const;
const parse = (watch: unknown, kind: keyof typeof KINDS = 'aws_s3') =>
  connectorSchema.safeParse({ id: 'one', kind, ...KINDS[kind], watch });
const faults = (watch: unknown, kind?: keyof typeof KINDS) =>
  (parse(watch, kind).error?.issues ?? []).map(({ path, message }) => `${path.join('.')} ${message}`);

const URL = 'https://sqs.eu-central-1.amazonaws.com/123456789012/events';
const SUBSCRIPTION = 'projects/my-project/subscriptions/events';

describe('watch', () => {
  it.each([
    ['aws_s3', { pull: { sqs: { queueUrl: URL } } }, { pull: { kind: 'sqs', queueUrl: URL }, reconcile: 86_400 }],
    [
      'google_cloud_storage',
      { pull: { pubsub: { subscription: SUBSCRIPTION, endpoint: 'http://127.0.0.1:8085' } }, reconcile: '10m' },
      { pull: { kind: 'pubsub', subscription: SUBSCRIPTION, endpoint: 'http://127.0.0.1:8085' }, reconcile: 600 },
    ],
    [
      'azure_blob_storage',
      { pull: { 'storage-queue': { queue: 'events', visibility: '5m' } }, reconcile: 'off' },
      { pull: { kind: 'storage-queue', queue: 'events', visibility: 300 } },
    ],
    ['filesystem', { pull: 'files', reconcile: false }, { pull: { kind: 'files', settle: 2 } }],
    [
      'filesystem',
      { pull: { files: { poll: '1m' } }, reconcile: '31d' },
      { pull: { kind: 'files', settle: 2, poll: 60 }, reconcile: 2_678_400 },
    ],
  ] as const)('a %s connector is watched by %j', (kind, watch, expected) => {
    expect(parse(watch, kind).data?.watch).toEqual(expected);
  });

  it.each([
    [{ pull: 'files' }, /^watch\.pull files is no source of a aws_s3 connector: use pull: sqs$/],
    [{ pull: 'delta' }, /use pull: sqs/],
    [{ pull: 'kafka' }, /^watch\.pull must name one source: sqs, pubsub/],
    [{ pull: { sqs: { queueUrl: URL }, files: {} } }, /must name one source/],
    [{ pull: 'sqs' }, /^watch\.pull must be|^watch\.pull /],
    [{ pull: { sqs: { queueUrl: 'ftp://x' } } }, /^watch\.pull\.sqs\.queueUrl must be/],
    [{ pull: { sqs: { queueUrl: URL, secretAccessKey: 'x' } } }, /go together/],
    [{ pull: { sqs: { queueUrl: URL, visibility: '5s' } } }, /from 10s to 12h/],
    [{ reconcile: '5m' }, /^watch\.reconcile must be a length of time from 10m to 31d, as 24h, or off$/],
    [{ reconcile: 'off' }, /^watch watches nothing/],
    [{ pul: 'sqs' }, /pul/],
  ])('%j is refused', (watch, text) => {
    expect(faults(watch).join('\n')).toMatch(text);
  });

  it('a secret of it may be missing where no worker needs it, and is named where one does', () => {
    const key = ['$', '{QUEUE_KEY}'].join('');
    const watch = { pull: { sqs: { queueUrl: URL, accessKeyId: 'id', secretAccessKey: key } } };
    expect(missingSecrets(parse(watch).data)).toEqual([{ field: 'secretAccessKey', variable: 'QUEUE_KEY' }]);
  });

  it('what a watch is told holds no secret, no address and no location', () => {
    const watch = { pull: { sqs: { queueUrl: URL, accessKeyId: 'canary-1', secretAccessKey: 'canary-2' } } };
    const { data } = parse(watch);
    const scanner = { name: 'dsxa' } as never;
    const config = { connectors: data === undefined ? [] : [data], home: '/state', appEnv: 'prod' as const };
    const orders = watchOrders({ ...config, scanners: { dsxa: scanner } });
    expect(orders).toEqual([
      {
        connector: 'one',
        webhook: false,
        pull: 'sqs',
        subscribes: false,
        reconcile: 86_400,
        scan: {
          filter: '',
          action: 'nothing',
          quarantine: 'dsxconnect-quarantine',
          dryRun: false,
          scanner: 'dsxa',
          incremental: true,
          rescanAfter: 30 * 86_400,
        },
      },
    ]);
    expect(watchOrders({ ...config, scanners: {} })[0]).not.toHaveProperty('scan');
  });
});
