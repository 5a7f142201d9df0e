import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { KeepSubscriptionInput } from '../../activities/types.ts';
import { createWatchFeed } from '../../activities/watch-feed.ts';
import { ConnectorError } from '../../connectors/errors.ts';
import type { WatchHealth, WatchOrder } from '../../domain/watch.ts';
import { openLedgerStore } from '../../ledger/ledger.ts';
import { createMemoryStatus } from '../../status/memory-status.ts';
import { WatchLoop } from '../../workers/watch-loop.ts';
import { fullScanWorkflowId, WATCH, watchWorkflowId } from '../../workflows/messages.ts';
import { createMemoryStore } from '../ledger/memory-store.ts';
import { MemorySource } from '../support/memory-feed.ts';
import { MemoryIntake } from '../support/memory-intake.ts';
import { Stage, turnOf, until } from '../support/stage.ts';

const intake = new MemoryIntake();
const sources = new Map<string, MemorySource>();
const status = createMemoryStatus();
const subscribed: KeepSubscriptionInput[] = [];
const silent = { info: () => undefined, warn: () => undefined };
const SCAN = { filter: '', action: 'nothing' as const, dryRun: false, scanner: 'dsxa' };
let stage: Stage;
let names = 0;

beforeAll(async () => {
  const ledger = await openLedgerStore(createMemoryStore());
  const watchFeed = createWatchFeed({
    ledger,
    intake,
    openFeed: async ({ id }, cursor) => sourceOf(id).feed(cursor),
    announce: (connector, live) => status.publishWatchLive(connector, live),
  });
  const keepSubscription = async (input: KeepSubscriptionInput) => {
    subscribed.push(input);
    if (input.action === 'remove') return {};
    return { subscription: { id: 's-1', expiresAt: new Date(Date.now() + 3_600_000).toISOString() } };
  };
  // What a sweep's planning tells beside its pages.
  const planPages = async () => ({ ...turnOf(4, true), incremental: { unannounced: 5 } });
  stage = await Stage.open(() => ({ watchFeed, keepSubscription, planPages }));
}, 120_000);
afterAll(() => stage?.close());
afterEach(() => intake.refuse(undefined));

function sourceOf(connector: string): MemorySource {
  const found = sources.get(connector) ?? new MemorySource();
  sources.set(connector, found);
  return found;
}

/** A connector of its own, watched as the orchestrator starts it. */
async function watched(more: Partial<WatchOrder> = {}) {
  const connector = `connector-${names++}`;
  const order: WatchOrder = { connector, webhook: false, pull: 'sqs', subscribes: false, ...more };
  const loop = (orders: readonly WatchOrder[]) =>
    new WatchLoop({ client: stage.client, orders: async () => orders, status, log: silent });
  const handle = () => stage.client.workflow.getHandle(watchWorkflowId(connector));
  await loop([order]).round();
  return {
    connector,
    order,
    source: sourceOf(connector),
    handle,
    loop,
    health: () => handle().query<WatchHealth>(WATCH.health),
    pause: () =>
      handle().executeUpdate<WatchHealth, [object]>(WATCH.pause, { args: [{ actor: 'ann', reason: 'rest' }] }),
    resume: () => handle().executeUpdate<WatchHealth, [object]>(WATCH.resume, { args: [{ actor: 'ann' }] }),
    end: async () => {
      await handle().signal(WATCH.stop, { actor: 'test' });
      await handle().result();
    },
  };
}

test('what a source gives is taken, and its cursor outlives pauses and workers', async () => {
  const { connector, order, source, loop, health, pause, resume, end } = await watched();
  source.changes.push('a.txt', 'b.txt');
  await until(() => intake.locations(connector).length === 2);
  await until(async () => {
    await loop([order]).round();
    return (await status.watch(connector)) !== undefined;
  });
  // The turn is still under way: its worker tells.
  expect((await health()).counts.events).toBe(0);
  await until(async () => (await status.watch(connector))?.counts.events === 2);
  const paused = await pause();
  expect(paused).toMatchObject({ state: 'paused', paused: { by: 'ann', reason: 'rest' } });
  await until(() => source.open === 0);
  await until(async () => (await health()).counts.events === 2);
  expect(await health()).toMatchObject({ counts: { events: 2, ignored: 2, unreadable: 0 } });
  source.changes.push('c.txt');
  await resume();
  await until(() => intake.locations(connector).length === 3);
  expect(intake.locations(connector)).toEqual(['a.txt', 'b.txt', 'c.txt']);
  expect(source.begun).toEqual([0, 2]);
  await end();
  expect(source.open).toBe(0);
});

test('what can not be handed over is not left behind, and health says why and since when', async () => {
  intake.refuse('over_capacity');
  const { connector, source, health, end } = await watched();
  source.changes.push('a.txt');
  await until(async () => (await health()).trouble !== undefined);
  const { state, trouble } = await health();
  expect(state).toBe('failing');
  expect(trouble).toMatchObject({ code: 'intake_over_capacity' });
  intake.refuse(undefined);
  await until(() => intake.locations(connector).length === 1);
  await until(async () => (await health()).state === 'watching');
  expect(intake.locations(connector)).toEqual(['a.txt']);
  await end();
});

test('a source that refuses us holds the watch until it is mended, or until new settings come', async () => {
  const { connector, source, order, health, handle, end } = await watched();
  source.changes.push('a.txt');
  await until(() => intake.locations(connector).length === 1);
  source.fault = new ConnectorError('credentials', 'the key is refused');
  await until(async () => (await health()).state === 'held');
  const { trouble } = await health();
  expect(trouble).toMatchObject({ code: 'credentials', detail: 'the key is refused', failures: 1 });
  source.fault = undefined;
  source.changes.push('b.txt');
  await handle().signal(WATCH.order, { ...order, reconcile: 86_400 });
  await until(() => intake.locations(connector).length === 2);
  await until(async () => (await health()).state === 'watching');
  await end();
});

test('a sweep comes in its time, tells what it found, and at once when something was missed', async () => {
  const { connector, source, health, end } = await watched({ reconcile: 1, scan: SCAN });
  await until(async () => (await health()).sweep?.last !== undefined);
  const first = (await health()).sweep;
  // The stage's scan lists 40 items, five of which no event had brought.
  expect(first).toMatchObject({ every: 1, last: { outcome: 'swept', state: 'completed', listed: 40, found: 5 } });
  const job = first?.last?.job ?? '';
  expect(job).toMatch(/^job-\d{8}T\d{6}-[0-9a-f]{9}$/);
  const scan = await stage.client.workflow
    .getHandle(fullScanWorkflowId({ kind: 'connector', id: connector }))
    .describe();
  expect(scan.type).toBe('fullScan');
  source.expired = true;
  source.changes.push('lost.txt');
  await until(async () => ((await health()).sweep?.found ?? 0) > 5);
  await end();
});

test('a subscription is made, authorised again when that is asked for, and removed at the end', async () => {
  const { connector, handle, health, end } = await watched({ pull: 'delta', webhook: true, subscribes: true });
  const mine = () => subscribed.filter((one) => one.connector === connector).map(({ action }) => action);
  await until(async () => (await health()).subscription?.expiresAt !== undefined);
  await handle().signal(WATCH.wake, 'reauthorize');
  await until(() => mine().length === 2);
  await handle().signal(WATCH.wake, 'subscription_removed');
  await until(() => mine().length === 3);
  await end();
  expect(mine()).toEqual(['keep', 'reauthorize', 'keep', 'remove']);
});

test('a notification ends the turn under way, so that the source is asked at once', async () => {
  const { source, handle, end } = await watched({ pull: 'delta' });
  await until(() => source.begun.length === 1);
  await until(async () => {
    await handle().signal(WATCH.wake, 'changed');
    return source.begun.length > 1;
  });
  await end();
});

test('watches are what the configuration says: started once, stopped when they are gone from it', async () => {
  const { order, handle, loop, connector } = await watched();
  const { runId } = await handle().describe();
  await Promise.all([loop([order]).round(), loop([order]).round()]);
  expect((await handle().describe()).runId).toBe(runId);
  await until(async () => {
    await loop([order]).round();
    return (await status.watch(connector)) !== undefined;
  });
  await until(async () => {
    await loop([]).round();
    return (await handle().describe()).status.name === 'COMPLETED';
  });
  await handle().result();
});
