import { describe, expect, test } from 'vitest';
import { connectorConformance } from './conformance.ts';
import { makeTempStore, otherDevice } from './temp-store.ts';

const actionsOnly = { anyBytes: true, actionsOnly: true } as const;

connectorConformance({ name: 'quarantine inside the asset', make: () => makeTempStore('inside'), ...actionsOnly });

// Without a second device the copying move is still tested, on files with two names.
if ((await otherDevice()) !== undefined) {
  connectorConformance({
    name: 'quarantine on another device',
    make: () => makeTempStore('other-device'),
    ...actionsOnly,
  });
}

describe('this machine', () => {
  test('has a second device for the copying move, where it is Linux', async () => {
    if (process.platform === 'linux') expect(await otherDevice()).toBeDefined();
  });
});
