import os from 'node:os';
import { expect, test } from 'vitest';
import { type ConnectorSettings, createConnectors } from '../../connectors/registry.ts';

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
