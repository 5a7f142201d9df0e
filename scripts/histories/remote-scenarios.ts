import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RealApi, startRealApi } from '../../test/support/api.ts';
import { OldConnector } from '../../test/support/old-connector.ts';
import type { Recorded, Stage } from './stage.ts';

/** Scans of what a remote connector pushes, through the API as it runs. */

interface Scene {
  readonly api: RealApi;
  readonly connector: OldConnector;
  /** Of the connector's scans, whichever of them. */
  readonly workflowId: string;
  /** Asks for a scan, and waits until the connector knows of it. */
  scan(): Promise<string>;
  push(name: string, job: string): Promise<void>;
  allPushed(job: string): Promise<void>;
  ended(): Promise<void>;
}

async function withConnector(
  stage: Stage,
  name: string,
  files: readonly [harmless: number, malicious: number],
  play: (scene: Scene) => Promise<Recorded>,
): Promise<Recorded> {
  const folder = stage.folder(name, ...files);
  const api = await startRealApi(stage.plant, { DSXCONNECT_REMOTE_QUIET: '1' });
  // It lists nothing by itself: the scenario says what is pushed, and when.
  const connector = new OldConnector({ api: api.origin, folder, action: 'move', diesAfter: 0 });
  try {
    await connector.start();
    const workflowId = `full-scan:${connector.uuid}`;
    return await play({
      api,
      connector,
      workflowId,
      async scan() {
        const { job } = await api.client.startJob({ connector: connector.uuid, scanner: 'standin' });
        while (!connector.scans.includes(job)) await sleep(50);
        return job;
      },
      async push(file, job) {
        const request = await connector.requestOf(path.join(folder, file), job);
        const { status } = await connector.call('POST', 'scan/request', request);
        if (status !== 202) throw new Error(`a push was answered with HTTP ${status}`);
      },
      async allPushed(job) {
        await connector.call('POST', `scan/jobs/${job}/enqueue_done`, {});
      },
      async ended() {
        await stage.plant.client.workflow.getHandle(workflowId).result();
      },
    });
  } finally {
    await connector.kill();
    await api.stop();
  }
}

/** Pushed one by one and repeated, paused in the middle, two of them moved. */
export function completed(stage: Stage): Promise<Recorded> {
  return withConnector(
    stage,
    'pushed',
    [10, 2],
    async ({ api, connector, workflowId, scan, push, allPushed, ended }) => {
      const job = await scan();
      const [first = '', ...more] = filesOf(connector.options.folder);
      for (const name of [first, ...more]) await push(name, job);
      await push(first, job);
      await api.client.pause(job);
      for (const name of more.slice(0, 2)) await push(name, job);
      await allPushed(job);
      await api.client.resume(job);
      await ended();
      return { workflowId };
    },
  );
}

/** The connector began anew in the middle. */
export function restarted(stage: Stage): Promise<Recorded> {
  return withConnector(stage, 'restarted', [5, 0], async ({ connector, workflowId, scan, push, ended }) => {
    const job = await scan();
    for (const name of filesOf(connector.options.folder).slice(0, 2)) await push(name, job);
    await connector.register('starting');
    await ended();
    return { workflowId };
  });
}

/** What came after the end: a scan that asks for nothing, until somebody wants a whole one. */
export function leftOver(stage: Stage): Promise<Recorded> {
  return withConnector(stage, 'left-over', [5, 0], async ({ connector, workflowId, scan, push, allPushed, ended }) => {
    const [first = '', second = ''] = filesOf(connector.options.folder);
    const job = await scan();
    await push(first, job);
    await allPushed(job);
    await ended();
    await push(second, job);
    const next = await scan();
    await push(first, next);
    await allPushed(next);
    await ended();
    return { workflowId };
  });
}

/** So many pages of pushes that it goes on in another run: the last one. */
export function continued(stage: Stage): Promise<Recorded> {
  return withConnector(stage, 'pushed-on', [60, 0], async ({ connector, workflowId, scan, push, allPushed, ended }) => {
    const job = await scan();
    for (const name of filesOf(connector.options.folder)) await push(name, job);
    await allPushed(job);
    await ended();
    const runs = await stage.runs(workflowId);
    if (runs.length < 2) throw new Error('the scan did not continue as new');
    return { workflowId, runId: runs.at(-1) as string };
  });
}

/** Files of a folder, by their path within it, in order. */
function filesOf(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort();
}
