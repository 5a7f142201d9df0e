import { Client, Connection } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWake } from '../../api/wake.ts';
import { watchWorkflowId } from '../../workflows/messages.ts';
import { startTemporal, type TemporalServer } from '../support/temporal.ts';

let temporal: TemporalServer;
let client: Client;
beforeAll(async () => {
  temporal = await startTemporal();
  client = new Client({ connection: await Connection.connect({ address: temporal.address }) });
});
afterAll(async () => {
  await client.connection.close();
  await temporal.stop();
});

test('the watch is told why, and a watch that is not there, or a Temporal that is not, is to be tried again', async () => {
  const wake = createWake(client);
  await expect(wake.wake('drive', 'changed')).rejects.toMatchObject({ code: 'unavailable', retryAfterMs: 60_000 });
  // Nobody works on it: what was sent is in its history all the same.
  const watch = await client.workflow.start('connectorWatch', {
    workflowId: watchWorkflowId('drive'),
    taskQueue: 'none',
  });
  await wake.wake('drive', 'missed');
  const { events = [] } = await watch.fetchHistory();
  const signals = (events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signal }) =>
    signal
      ? [[signal.signalName, ...(signal.input?.payloads ?? []).map((one) => defaultPayloadConverter.fromPayload(one))]]
      : [],
  );
  expect(signals).toEqual([['wake', 'missed']]);
  await watch.terminate();

  const nowhere = new Client({ connection: Connection.lazy({ address: '127.0.0.1:1', connectTimeout: 500 }) });
  const before = Date.now();
  await expect(createWake(nowhere).wake('drive', 'changed')).rejects.toMatchObject({
    code: 'unavailable',
    retryAfterMs: 10_000,
  });
  expect(Date.now() - before).toBeLessThan(10_000);
});
