import type { Stack, StackOptions, Stacks } from '../../cli/stack/contract.ts';

/** Stacks that are only an API's address: what a command asks of them is written down. */
export interface FakeStacks extends Stacks {
  up: Stack | undefined;
  readonly started: StackOptions[];
  readonly stopped: string[];
  /** Called while one starts. */
  onStart: () => void;
}

export function fakeStacks(origin: string): FakeStacks {
  const fake: FakeStacks = {
    up: undefined,
    started: [],
    stopped: [],
    onStart: () => undefined,
    find: async () => fake.up,
    async start(options) {
      fake.started.push(options);
      options.say?.('starting temporal');
      fake.onStart();
      return fakeStack(origin, { home: options.home, standing: false });
    },
    async stop(home) {
      fake.stopped.push(home);
      fake.up = undefined;
    },
  };
  return fake;
}

export function fakeStack(origin: string, changes: Partial<Stack> = {}): Stack {
  return {
    home: '/nowhere',
    api: origin,
    apiKey: undefined,
    temporalAddress: '127.0.0.1:1',
    temporalUi: 'http://127.0.0.1:2',
    redisUrl: undefined,
    ledger: '/nowhere/ledger',
    scanners: ['standin'],
    standing: true,
    ...changes,
  };
}
