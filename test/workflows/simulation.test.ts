import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectClient } from '../../bench/lib/scan-client.ts';
import { quietRuntime, simulate } from '../../bench/lib/simulation/run.ts';
import { startTemporal, type TemporalServer } from '../support/temporal.ts';

const ITEMS = 1_000_000;
/** A server that suggests continuing as new after so few events that some two hundred pages need several runs. */
const SUGGESTED_EVENTS = 200;
/** By then the pages in hand have finished and the commit is written: some events for each. */
const MOST_EVENTS = SUGGESTED_EVENTS * 2;
/** Far below what Temporal warns of (512 KiB): names, numbers and sums of a hundred results. */
const MOST_PAYLOAD = 128 * 1024;

let temporal: TemporalServer;
let client: Client;

beforeAll(async () => {
  quietRuntime();
  temporal = await startTemporal({ dynamicConfig: [`limit.historyCount.suggestContinueAsNew=${SUGGESTED_EVENTS}`] });
  client = await connectClient(temporal.address);
});
afterAll(async () => {
  await client.connection.close();
  await temporal.stop('SIGKILL');
});

it('the workflow carries a million items through many runs, paused and held between, with an exact account', async () => {
  const figures = await simulate(temporal.address, client, ITEMS);
  expect(figures.wrong).toEqual([]);
  expect(figures.seen).toEqual({ paused: true, held: true });
  expect(figures.runs.length).toBeGreaterThan(3);
  for (const run of figures.runs) {
    expect(run.events).toBeLessThan(MOST_EVENTS);
    expect(run.largest.bytes).toBeLessThan(MOST_PAYLOAD);
  }
  expect(Math.max(...figures.runs.map((run) => run.input))).toBeLessThan(MOST_PAYLOAD);
}, 90_000);
