import { expect, it } from 'vitest';
import { connectorOf } from '../../activities/asset.ts';
import type { WorkerDeps } from '../../activities/deps.ts';
import type { Connector } from '../../connectors/connector.ts';
import { ConnectorError } from '../../connectors/errors.ts';
import type { ScanSettings } from '../../domain/job.ts';

const signal = new AbortController().signal;
const input = { source: { kind: 'connector', id: 'uploads' }, settings: {} as ScanSettings } as const;

interface Fake extends Connector {
  asked: number;
}
function fake(fingerprint: string | Error, kind = 'aws_s3'): Fake {
  const connector = {
    id: 'uploads',
    kind,
    asked: 0,
    async fingerprint() {
      connector.asked += 1;
      if (fingerprint instanceof Error) throw fingerprint;
      return fingerprint;
    },
  };
  return connector as unknown as Fake;
}
/** What this process knows, and what it knows once it has looked anew. */
function deps(known: Connector, anew = known): Pick<WorkerDeps, 'connector'> {
  return { connector: async (_source, _settings, again) => (again === undefined ? known : anew) };
}
const of = (given: Pick<WorkerDeps, 'connector'>, fingerprint?: string) =>
  connectorOf(given, { ...input, ...(fingerprint !== undefined && { fingerprint }) }, signal);

it('is the connector of a job, whose asset is looked at once', async () => {
  const connector = fake('s3:aws:uploads');
  for (const _ of [1, 2, 3]) expect(await of(deps(connector), 's3:aws:uploads')).toBe(connector);
  expect(connector.asked).toBe(1);
  // A job that has not begun takes what is there.
  expect(await of(deps(fake('s3:aws:other')))).toMatchObject({ asked: 0 });
});

it('is none that leads to another asset than the job began with', async () => {
  const wrong = fake('s3:aws:other');
  for (const _ of [1, 2]) {
    await expect(of(deps(wrong), 's3:aws:uploads')).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining(
        'another asset lies where the scan began (s3:aws:other instead of s3:aws:uploads)',
      ),
    });
  }
  await expect(of(deps(wrong, fake('s3:aws:third')), 's3:aws:uploads')).rejects.toBeInstanceOf(ConnectorError);
});

it('is the one that was defined a moment ago, which this process did not know yet', async () => {
  const right = fake('s3:aws:uploads');
  expect(await of(deps(fake('s3:aws:other'), right), 's3:aws:uploads')).toBe(right);
});

it('is what reads find out about while the storage gives no answer, and a folder is one on every host', async () => {
  const away = fake(new ConnectorError('unreachable', 'away'));
  expect(await of(deps(away), 's3:aws:uploads')).toBe(away);
  await of(deps(away), 's3:aws:uploads');
  expect(away.asked).toBe(2);
  for (const kind of ['filesystem', 'remote']) expect(await of(deps(fake('x', kind)), 'y')).toMatchObject({ asked: 0 });
});
