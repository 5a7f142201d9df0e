import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { WorkerDeps } from '../../activities/deps.ts';
import { createEstimateTurn } from '../../activities/estimate-turn.ts';
import { mapped } from '../../activities/failures.ts';
import { createPreviewSource } from '../../activities/preview-source.ts';
import { pulsed } from '../../activities/pulse.ts';
import type { Connector, Listing } from '../../connectors/connector.ts';
import { ConnectorError } from '../../connectors/errors.ts';
import type { Estimate } from '../../domain/estimate.ts';
import type { Answers } from '../../ledger/answers.ts';
import { openLedger } from '../../ledger/ledger.ts';
import type { ObjectRef } from '../../ledger/types.ts';
import { ESTIMATE, type EstimateRequest, type EstimateView, QUEUE, WORKFLOW } from '../../workflows/messages.ts';
import { createMemoryConnector, putThing } from '../connectors/memory-connector.ts';
import { historyText } from '../support/history.ts';
import { Stage, until } from '../support/stage.ts';

const ITEMS = 100_000;
/** Bytes of each item. */
const SIZE = 3;
/** So long each batch of a slow storage takes, in milliseconds. */
const SLOW_MS = 30;

/** A preview may take so long here, in milliseconds. */
const PREVIEW_MS = 1_000;

let stage: Stage;
let answers: Answers;
let home: string;
let connector: Connector;
/** Batches that were asked for, and what stands in their way. */
let batches = 0;
let slowMs = 0;
let fail: (() => ConnectorError | undefined) | undefined;

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'dsx-estimate-'));
  const ledger = await openLedger(path.join(home, 'ledger'));
  const memory = createMemoryConnector();
  for (let i = 0; i < ITEMS; i++)
    putThing(memory.memory, `canary-${String(i).padStart(6, '0')}.txt`, Buffer.alloc(SIZE));
  connector = { ...methods(memory), list: (scope, from) => watched(memory.list(scope, from)) };
  const deps = { ledger, connector: async () => connector } as unknown as WorkerDeps;
  answers = ledger.answers;
  stage = await Stage.open(() =>
    mapped(pulsed({ estimateTurn: createEstimateTurn(deps), previewSource: createPreviewSource(deps, PREVIEW_MS) })),
  );
});
afterAll(async () => {
  await stage.close();
  rmSync(home, { recursive: true, force: true });
});

function methods(memory: Connector): Omit<Connector, 'list'> {
  return { id: memory.id, kind: memory.kind, capabilities: memory.capabilities } as Omit<Connector, 'list'>;
}

function watched(listing: Listing): Listing {
  return {
    next: (signal) => listing.next(signal),
    nextBatch: async (max, signal) => {
      batches += 1;
      const error = fail?.();
      if (error !== undefined) throw error;
      if (slowMs > 0) await new Promise((resolve) => setTimeout(resolve, slowMs));
      return listing.nextBatch(max, signal);
    },
    position: () => listing.position(),
    requests: () => listing.requests(),
    close: () => listing.close(),
  };
}

/** So slow that a first turn has several batches, and that there is time to stop it. */
const STOPPABLE_MS = 600;

async function start(request: Partial<EstimateRequest> = {}) {
  const workflowId = `estimate:${Math.random()}`;
  const handle = await stage.client.workflow.start(WORKFLOW.estimateConnector, {
    workflowId,
    taskQueue: QUEUE.orchestrate,
    args: [{ source: { kind: 'connector', id: 'memory' }, settings: { filter: '' }, maxSeconds: 60, ...request }],
  });
  return {
    result: () => handle.result() as Promise<Estimate>,
    view: async () => (await handle.query<EstimateView>(ESTIMATE.view)).estimate,
    stop: async () => (await handle.executeUpdate<EstimateView, []>(ESTIMATE.stop, { args: [] })).estimate,
    cancel: () => handle.cancel(),
    history: () => historyText(stage.client, workflowId),
  };
}

test('a listing is counted to its end', async () => {
  slowMs = 0;
  const estimate = await start({ settings: { filter: '-canary-0999*', maxSize: 2 }, scannerMax: 1_000 });
  expect(await estimate.result()).toMatchObject({
    state: 'completed',
    partial: false,
    items: ITEMS - 100,
    bytes: (ITEMS - 100) * SIZE,
    scanItems: 0,
    scanBytes: 0,
    notScanned: { 'skipped/size': ITEMS - 100 },
    outside: 100,
    gaps: 0,
  });
  expect((await estimate.view()).state).toBe('completed');
});

test('several turns count what one does, from where the one before stopped, and history names no item', async () => {
  slowMs = SLOW_MS;
  const estimate = await start({ settings: { filter: 'canary-*' } });
  const { items, scanBytes, requests, seconds } = await estimate.result();
  expect([items, scanBytes]).toEqual([ITEMS, ITEMS * SIZE]);
  expect(requests).toBeGreaterThan(1);
  expect(seconds).toBeGreaterThan((ITEMS / 1_000) * (SLOW_MS / 1_000));
  const history = await estimate.history();
  expect(history).toContain('"next":{"name":"_answers/');
  expect(history).not.toMatch(/canary-\d/);
});

test('one that is stopped answers what it has so far, at once, and asks the storage nothing more', async () => {
  slowMs = STOPPABLE_MS;
  const estimate = await start();
  await until(async () => (await estimate.view()).items > 0);
  const seen = (await estimate.view()).items;
  const began = performance.now();
  const stopped = await estimate.stop();
  expect(performance.now() - began).toBeLessThan(5_000);
  expect(stopped).toMatchObject({ state: 'stopped', partial: true });
  expect(stopped.items).toBeGreaterThanOrEqual(seen);
  expect(stopped.items).toBeLessThan(ITEMS);
  expect(await estimate.result()).toEqual(stopped);
  const asked = batches;
  await new Promise((resolve) => setTimeout(resolve, 3 * slowMs));
  expect(batches).toBe(asked);
});

test('the time is up: partial, with what was counted', async () => {
  slowMs = STOPPABLE_MS;
  const estimate = await (await start({ maxSeconds: 2 })).result();
  expect(estimate).toMatchObject({ state: 'out_of_time', partial: true });
  expect(estimate.items).toBeGreaterThan(0);
  expect(estimate.items).toBeLessThan(ITEMS);
});

test("Temporal's own Cancel stops it, and it does not fail", async () => {
  slowMs = STOPPABLE_MS;
  const estimate = await start();
  await until(async () => (await estimate.view()).items > 0);
  await estimate.cancel();
  expect(await estimate.result()).toMatchObject({ state: 'stopped', partial: true });
});

test('no worker at the site: it ends with its time, and can be stopped', async () => {
  expect(await (await start({ site: 'nowhere', maxSeconds: 1 })).result()).toMatchObject({
    state: 'out_of_time',
    items: 0,
  });
  const other = await start({ site: 'nowhere' });
  expect(await other.stop()).toMatchObject({ state: 'stopped', items: 0 });
});

test('a storage that refuses us in the middle: what was counted stands, with the reason', async () => {
  slowMs = SLOW_MS;
  batches = 0;
  fail = () => (batches > 40 ? new ConnectorError('credentials', 'the token has expired; renew it') : undefined);
  try {
    const estimate = await (await start()).result();
    expect(estimate).toMatchObject({
      state: 'failed',
      partial: true,
      items: 40_000,
      failure: { code: 'credentials', message: 'the token has expired; renew it' },
    });
  } finally {
    fail = undefined;
  }
});

test('a fault that passes costs nothing', async () => {
  slowMs = 0;
  batches = 0;
  fail = () => (batches % 30 === 0 ? new ConnectorError('storage_error', 'try again') : undefined);
  try {
    expect(await (await start()).result()).toMatchObject({ state: 'completed', items: ITEMS });
  } finally {
    fail = undefined;
  }
});

async function preview(limit: number) {
  const ref = await stage.client.workflow.execute(WORKFLOW.previewConnector, {
    workflowId: `preview:${Math.random()}`,
    taskQueue: QUEUE.orchestrate,
    args: [{ source: { kind: 'connector', id: 'memory' }, settings: { filter: '' }, limit }],
  });
  return answers.read(ref as ObjectRef);
}

test('a preview whose time is up shows what there is so far', async () => {
  slowMs = PREVIEW_MS * 0.7;
  const { facts, lines } = await preview(900);
  expect(facts).toMatchObject({ partial: true, more: false });
  expect(lines).toHaveLength(500);
});

test('a preview of a storage that shows nothing in its time says so', async () => {
  slowMs = PREVIEW_MS * 3;
  const { facts, lines } = await preview(10);
  expect(facts).toMatchObject({ failed: { code: 'unreachable', message: expect.stringContaining('no answer') } });
  expect(lines).toEqual([]);
});
