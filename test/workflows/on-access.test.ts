import { readdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { StorageEvent } from '../../domain/event.ts';
import { slotOf } from '../../domain/intake.ts';
import type { ScanSettings } from '../../domain/job.ts';
import { createHandOver, createReceived } from '../../intake/hand-over.ts';
import { createMarks } from '../../intake/marks.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { openRedisLink } from '../../status/redis-link.ts';
import { IntakeLoop } from '../../workers/intake-loop.ts';
import { EventStage, eventOf } from '../support/events.ts';
import { EICAR, writeFiles, writeMany } from '../support/files.ts';
import { Plant } from '../support/plant.ts';
import { startValkey } from '../support/valkey.ts';

let plant: Plant;
const SILENT = { info: () => undefined, warn: () => undefined };

beforeAll(async () => {
  plant = await Plant.start({}, ['limit.historyCount.suggestContinueAsNew=300']);
}, 60_000);
afterEach(() => plant.stopWorkers());
afterAll(() => plant.stop());

/** A folder of its own below the plant's, so that every test has a workflow of its own. */
function stageOf(name: string, settings: Partial<ScanSettings> = {}): EventStage {
  return new EventStage(plant, name, settings);
}

async function problemsOf(job: string) {
  return (await verifyJob(plant.ledger.job(job))).problems;
}

describe('on-access', () => {
  it('scans what events tell of, once, and gives every event its row', async () => {
    await plant.worker();
    const stage = stageOf('once');
    writeFiles(stage.folder, { 'a.txt': 'a', 'b/c.txt': 'c', 'b/bad.com': EICAR });
    const repeated = eventOf('a.txt');
    await stage.add(repeated, eventOf('b/c.txt'), repeated, eventOf('b/bad.com'), eventOf('gone.txt'), eventOf('b'));
    const { job, counters, outside } = await stage.settled(6);
    expect(outside).toBe(1);
    expect(counters.outcomes).toMatchObject({ clean: 2, malicious: 1, skipped: 1, vanished: 1 });
    const rows = await stage.end(job);
    expect(rows.map(({ location, outcome, reason }) => [location, reason ?? outcome]).sort()).toEqual([
      ['a.txt', 'clean'],
      ['a.txt', 'duplicate'],
      ['b/bad.com', 'malicious'],
      ['b/c.txt', 'clean'],
      ['gone.txt', 'vanished'],
    ]);
    expect(await problemsOf(job)).toEqual([]);
  });

  it('applies filter, size limit and quarantine as a full scan does', async () => {
    await plant.worker();
    const stage = stageOf('scope');
    const quarantine = `${stage.folder}/.quarantine`;
    stage.settings = { ...stage.settings, filter: '*.txt', maxSize: 10, action: 'move', quarantine };
    writeFiles(stage.folder, { 'a.txt': 'a', 'a.bin': 'a', 'large.txt': 'x'.repeat(11), '.quarantine/b.txt': EICAR });
    await stage.add(...['a.txt', 'a.bin', 'large.txt', '.quarantine/b.txt'].map((location) => eventOf(location)));
    const { job, outside } = await stage.settled(4);
    expect(outside).toBe(2);
    const rows = await stage.end(job);
    expect(rows.map(({ location, outcome, reason }) => [location, reason ?? outcome]).sort()).toEqual([
      ['a.txt', 'clean'],
      ['large.txt', 'size'],
    ]);
  });

  it('accounts for 2,000 files, repeats and reorderings exactly, over many runs and a killed worker', async () => {
    const worker = await plant.worker();
    const stage = stageOf('many');
    const locations = writeMany(stage.folder, 2_000);
    plant.standin.setOptions({ latencyMs: 5, workers: 16 });
    const events: StorageEvent[] = [];
    for (const [i, location] of locations.entries()) {
      const first = eventOf(location, { version: 'v1', order: '0001' });
      const second = eventOf(location, { version: 'v2', order: '0002' });
      // Of each ten: a repeat, a pair in order, a pair out of order.
      if (i % 10 === 0) events.push(first, first);
      else if (i % 10 === 1) events.push(first, second);
      else if (i % 10 === 2) events.push(second, first);
      else events.push(first);
    }
    const sent = (async () => {
      for (let from = 0; from < events.length; from += 100) await stage.add(...events.slice(from, from + 100));
    })();
    await stage.until(({ counters }) => counters.outcomes.clean > 300);
    worker.kill('SIGKILL');
    await worker.gone;
    await plant.worker();
    await sent;
    const { job, counters, listed } = await stage.settled(events.length);
    plant.standin.reset();
    expect(listed).toBe(2_600);
    const { clean, skipped } = counters.outcomes;
    expect(clean + skipped).toBe(2_600);
    const rows = await stage.end(job);
    const by = (reason: string) => rows.filter((row) => row.reason === reason).length;
    expect(by('duplicate')).toBe(200);
    // A pair out of order always ends superseded; one in order only while the first waits.
    expect(by('superseded')).toBeGreaterThanOrEqual(200);
    expect(new Set(rows.filter(({ outcome }) => outcome === 'clean').map((row) => row.location)).size).toBe(2_000);
    expect(await problemsOf(job)).toEqual([]);
    const runs = await plant.client.workflow.getHandle(stage.workflowId).describe();
    expect(runs.raw.workflowExecutionInfo?.firstRunId).not.toBe(runs.runId);
  }, 180_000);

  it('keeps events while paused; cancel ends the job and tells of them, and later ones begin another', async () => {
    await plant.worker();
    const stage = stageOf('control');
    writeFiles(stage.folder, { 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c' });
    await stage.add(eventOf('a.txt'));
    const { job } = await stage.settled(1);
    const handle = plant.client.workflow.getHandle(stage.workflowId);
    await handle.executeUpdate('pause', { args: [{ job, actor: 'test' }] });
    await stage.add(eventOf('b.txt'), eventOf('c.txt'));
    const paused = await stage.until(({ events }) => events?.received === 3);
    expect(paused).toMatchObject({ state: 'paused', listed: 1, events: { pending: 2 } });
    await handle.signal('cancel', { job, actor: 'test' });
    const ended = await stage.until(({ state }) => state === 'cancelled');
    expect(ended.gaps).toContainEqual({ class: 'events_dropped', count: 2 });
    expect(await problemsOf(job)).toEqual([]);
    await stage.add(eventOf('b.txt'));
    const next = await stage.until((progress) => progress.job !== job && progress.counters.outcomes.clean === 1);
    expect(next.state).toBe('running');
  });

  it('takes more events than it knows one by one, and scans them in their turn', async () => {
    await plant.worker();
    const stage = stageOf('backlog');
    const locations = writeMany(stage.folder, 6_000, 10);
    await stage.add(eventOf(locations[0] as string));
    const { job } = await stage.settled(1);
    const handle = plant.client.workflow.getHandle(stage.workflowId);
    await handle.executeUpdate('pause', { args: [{ job, actor: 'test' }] });
    await stage.add(...locations.slice(1).map((location) => eventOf(location)));
    const waiting = await stage.until(({ events }) => events?.received === 6_000);
    expect(waiting.events?.pending).toBe(5_999);
    await handle.executeUpdate('resume', { args: [{ job, actor: 'test' }] });
    const { counters } = await stage.settled(6_000);
    expect(counters.outcomes.clean).toBe(6_000);
    await stage.end(job);
    expect(await problemsOf(job)).toEqual([]);
  }, 120_000);

  it('goes on as a new job when the settings are others', async () => {
    await plant.worker();
    const stage = stageOf('settings');
    writeFiles(stage.folder, { 'a.txt': 'a', 'b.bin': 'b' });
    await stage.add(eventOf('a.txt'));
    const first = await stage.settled(1);
    stage.settings = { ...stage.settings, filter: '*.txt' };
    await stage.add(eventOf('b.bin'));
    const second = await stage.until(({ job, outside }) => job !== first.job && outside === 1);
    expect(second.settings.filter).toBe('*.txt');
    const { head } = (await plant.ledger.job(first.job).state()) ?? {};
    expect(head?.body.account).toMatchObject({ state: 'completed', listed: 1, listingDone: true });
    expect(await problemsOf(first.job)).toEqual([]);
  });

  it('finds events that were written down and never handed over', async () => {
    await plant.worker();
    const stage = stageOf('stuck');
    writeFiles(stage.folder, { 'a.txt': 'a' });
    const owner = { source: stage.source.id, shard: 0 };
    const ref = { slot: slotOf(Date.now()), writer: '0123456789abcdef', n: 1 };
    const event = eventOf('a.txt');
    const { mark } = createMarks(plant.ledger.id)(owner.source, event);
    await plant.ledger.intake.write(owner, ref, [{ event, mark }]);
    const handed: number[] = [];
    const handOver = createHandOver(plant.client);
    const received = createReceived(plant.client);
    const loop = new IntakeLoop({
      pages: plant.ledger.intake,
      received: async (source, shard) => (source === owner.source ? await received(source, shard) : undefined),
      start: async (source, shard) =>
        source === owner.source ? { source: stage.source, shard, settings: stage.settings } : undefined,
      handOver: async (signal) => {
        handed.push(signal.ref.n);
        await handOver(signal);
      },
      log: SILENT,
      ageMs: -60_000,
    });
    await loop.look();
    expect((await stage.settled(1)).counters.outcomes.clean).toBe(1);
    await loop.look();
    expect(handed).toEqual([1]);
    await loop.stop();
  });

  it('does not scan again what it judged clean in the very version that is there, nor its own side-cars', async () => {
    const valkey = await startValkey();
    try {
      await plant.worker({ REDIS_URL: valkey.url });
      const stage = stageOf('memory', { action: 'tag' });
      writeFiles(stage.folder, { 'a.txt': 'a', 'bad.com': EICAR });
      await stage.add(eventOf('a.txt'), eventOf('bad.com'));
      await stage.settled(2);
      await stage.until(({ actions }) => actions.done === 1);
      const sideCar = readdirSync(stage.folder).find((name) => name !== 'a.txt' && name !== 'bad.com') ?? '';
      await stage.add(eventOf('a.txt'), eventOf('bad.com'), eventOf(sideCar));
      const { counters, outside } = await stage.settled(5);
      // A finding is looked at again whenever there is word of it.
      expect(counters.outcomes).toMatchObject({ clean: 1, malicious: 2, skipped: 1 });
      expect(outside).toBe(1);
      const link = await openRedisLink(valkey.url, {
        commandTimeoutMs: 500,
        connectTimeoutMs: 1_000,
        say: () => undefined,
      });
      await link.command(['FLUSHALL']);
      await link.close();
      await stage.add(eventOf('a.txt'));
      await stage.settled(6);
      await stage.add(eventOf('a.txt'));
      const after = await stage.settled(7);
      expect(after.counters.outcomes).toMatchObject({ clean: 2, skipped: 2 });
    } finally {
      await plant.stopWorkers();
      await valkey.stop();
    }
  });

  it('scans what is live while a full scan fills the scanner', async () => {
    plant.standin.setOptions({ latencyMs: 100, workers: 4 });
    try {
      await plant.worker();
      const bulk = stageOf('bulk');
      writeMany(bulk.folder, 1_000);
      const scan = await plant.start({}, { source: bulk.source });
      await scan.until(({ listed }) => listed === 1_000);
      const stage = stageOf('live');
      writeFiles(stage.folder, { 'a.txt': 'a' });
      await stage.add(eventOf('a.txt'));
      const { counters } = await stage.settled(1);
      expect(counters.outcomes.clean).toBe(1);
      expect((await scan.progress()).state).toBe('running');
      await scan.control('cancel');
      await scan.result();
    } finally {
      plant.standin.reset();
    }
  });
});
