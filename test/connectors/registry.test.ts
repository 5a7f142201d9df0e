import os from 'node:os';
import { expect, test } from 'vitest';
import { MissingSecret } from '../../config/connectors/secret-field.ts';
import { Secret } from '../../config/secret.ts';
import type { Connector } from '../../connectors/connector.ts';
import { type ConnectorSettings, createConnectors } from '../../connectors/registry.ts';
import type { Hidden } from '../../domain/hidden.ts';

const settings: ConnectorSettings = { kind: 'filesystem', id: 'files', asset: os.tmpdir(), exclude: ['/a', '/b'] };

test('equal settings give the same connector, others another', async () => {
  const connectors = createConnectors();
  const first = await connectors.get(settings);
  expect(first).toMatchObject({ id: 'files', kind: 'filesystem' });
  expect(await connectors.get({ exclude: ['/a', '/b'], asset: os.tmpdir(), id: 'files', kind: 'filesystem' })).toBe(
    first,
  );
  expect(await connectors.get({ ...settings, exclude: ['/b', '/a'] })).not.toBe(first);
  expect(await connectors.get({ ...settings, quarantine: '/q' })).not.toBe(first);
  expect(await connectors.get({ ...settings, id: 'other' })).not.toBe(first);
  await connectors.close();
  expect(await connectors.get(settings)).not.toBe(first);
  await connectors.close();
});

test('another secret gives another connector, and the same one the same', async () => {
  const made: ConnectorSettings[] = [];
  const connectors = createConnectors({
    aws_s3: async (given) => {
      made.push(given);
      return { id: given.id, close: async () => undefined } as unknown as Connector;
    },
  });
  const bound = (secretAccessKey: Hidden): ConnectorSettings => {
    const access = { kind: 'keys', accessKeyId: new Secret('AKIA'), secretAccessKey } as const;
    return { kind: 'aws_s3', id: 'bucket', assets: ['uploads'], access };
  };
  const first = await connectors.get(bound(new Secret('old')));
  expect(await connectors.get(bound(new Secret('old')))).toBe(first);
  expect(await connectors.get(bound(new Secret('new')))).not.toBe(first);
  const missing = await connectors.get(bound(new MissingSecret('DSX_SECRET_A')));
  expect(await connectors.get(bound(new MissingSecret('DSX_SECRET_A')))).toBe(missing);
  expect(await connectors.get(bound(new MissingSecret('DSX_SECRET_B')))).not.toBe(missing);
  expect(made).toHaveLength(4);
});

test('a kind that there is not is a mistake in the settings', async () => {
  const connectors = createConnectors();
  for (const kind of ['ftp', 'constructor', 'toString']) {
    const wrong = { ...settings, kind } as unknown as ConnectorSettings;
    await expect(connectors.get(wrong)).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringContaining('filesystem'),
    });
  }
});

test('what could not be made is tried again', async () => {
  let calls = 0;
  const real = createConnectors();
  const connectors = createConnectors({
    filesystem: async (given) => {
      calls++;
      if (calls === 1) throw new Error('not yet');
      return real.get(given);
    },
  });
  await expect(connectors.get(settings)).rejects.toThrow('not yet');
  expect((await connectors.get(settings)).id).toBe('files');
  await connectors.close();
  await real.close();
});
