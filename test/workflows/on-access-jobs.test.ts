import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { slotOf } from '../../domain/intake.ts';
import type { JobProgress } from '../../domain/job.ts';
import type { FoundPage } from '../../ledger/intake-pages.ts';
import { verifyJob } from '../../ledger/verify.ts';
import { onAccessWorkflowId, QUERY } from '../../workflows/messages.ts';
import { untilDayEnds } from '../../workflows/on-access/job-times.ts';
import { EventStage, eventOf } from '../support/events.ts';
import { writeFiles, writeMany } from '../support/files.ts';
import { Plant } from '../support/plant.ts';

let plant: Plant;

beforeAll(async () => {
  plant = await Plant.start();
}, 60_000);
afterEach(() => plant.stopWorkers());
afterAll(() => plant.stop());

/** The jobs of a source that have ended, oldest first, each proven. */
async function endedJobs(source: string) {
  const found = [];
  for await (const summary of plant.ledger.jobs()) {
    if (!('source' in summary) || summary.source?.id !== source) continue;
    const { job } = summary;
    const { head } = (await plant.ledger.job(job).state()) ?? {};
    const account = head?.body.account;
    if (account === undefined) continue;
    expect((await verifyJob(plant.ledger.job(job))).problems).toEqual([]);
    found.unshift({ job, ...account });
  }
  return found;
}

it('a job ends with its items, and what waits goes on in the next one', async () => {
  await plant.worker();
  const stage = new EventStage(plant, 'items');
  stage.bounds = { jobItems: 100 };
  const locations = writeMany(stage.folder, 450);
  await stage.add(...locations.map((location) => eventOf(location)));
  const last = await stage.until(({ events, counters }) => events?.pending === 0 && counters.outcomes.clean === 50);
  await stage.end(last.job);
  const jobs = await endedJobs(stage.source.id);
  expect(jobs.map(({ state, listed }) => [state, listed])).toEqual([
    ['completed', 100],
    ['completed', 100],
    ['completed', 100],
    ['completed', 100],
    ['cancelled', 50],
  ]);
}, 60_000);

it('a job ends with its day, and the next event begins another', async () => {
  await plant.worker();
  const stage = new EventStage(plant, 'day');
  const dayMs = 3_000;
  stage.bounds = { dayMs };
  const listed: string[] = [];
  for (const location of ['a.txt', 'b.txt']) {
    writeFiles(stage.folder, { [location]: location });
    await stage.add(eventOf(location));
    // A job that begins at the end of its day may end before it lists anything: the event goes on in the next one.
    const { job } = await stage.until(
      (one) => one.state === 'completed' && one.listed === 1 && !listed.includes(one.job),
    );
    listed.push(job);
  }
  const jobs = await endedJobs(stage.source.id);
  expect(jobs.map(({ state }) => state)).toEqual(jobs.map(() => 'completed'));
  expect(jobs.reduce((sum, { counters }) => sum + counters.outcomes.clean, 0)).toBe(2);
});

it('days are those of UTC', () => {
  expect(untilDayEnds('2026-11-23T10:00:00.000Z', Date.parse('2026-11-23T23:59:59.000Z'))).toBe(1_000);
  expect(untilDayEnds('2026-11-23T23:59:59.999Z', Date.parse('2026-11-23T23:59:59.999Z'))).toBe(1);
  expect(untilDayEnds('2026-11-23T10:00:00.000Z', Date.parse('2026-11-25T00:00:00.000Z'))).toBe(1);
});

it('a workflow that gets no event ends, and the next event starts it again', async () => {
  await plant.worker();
  const stage = new EventStage(plant, 'idle');
  stage.bounds = { dayMs: 1_000, idleMs: 500 };
  writeFiles(stage.folder, { 'a.txt': 'a', 'b.txt': 'b' });
  await stage.add(eventOf('a.txt'));
  const handle = plant.client.workflow.getHandle(stage.workflowId);
  await handle.result();
  const first = await stage.progress();
  expect(first.state).toBe('completed');
  expect((await endedJobs(stage.source.id)).reduce((sum, { listed }) => sum + listed, 0)).toBe(1);
  stage.bounds = undefined;
  await stage.add(eventOf('b.txt'));
  const second = await stage.until(({ job, counters }) => job !== first.job && counters.outcomes.clean === 1);
  expect(second.state).toBe('running');
});

it("Temporal's own Cancel ends the job, tells what waited, and ends the workflow", async () => {
  await plant.worker();
  const stage = new EventStage(plant, 'cancel');
  writeFiles(stage.folder, { 'a.txt': 'a', 'b.txt': 'b' });
  await stage.add(eventOf('a.txt'));
  const { job } = await stage.settled(1);
  const handle = plant.client.workflow.getHandle(stage.workflowId);
  await handle.executeUpdate('pause', { args: [{ job, actor: 'test' }] });
  await stage.add(eventOf('b.txt'));
  await stage.until(({ events }) => events?.received === 2);
  await handle.cancel();
  await handle.result();
  const [ended] = await endedJobs(stage.source.id);
  expect(ended).toMatchObject({ state: 'cancelled', listed: 1, gaps: [{ class: 'events_dropped', count: 1 }] });
  await stage.add(eventOf('b.txt'));
  const next = await stage.until((progress) => progress.job !== job && progress.counters.outcomes.clean === 1);
  expect(next.state).toBe('running');
});

it('events of several shards are each scanned once, those of a location always in the same', async () => {
  await plant.worker();
  const stage: EventStage = new EventStage(
    plant,
    'shards',
    {},
    {
      target: () => ({ source: stage.source, settings: stage.settings, shards: 3 }),
    },
  );
  const locations = writeMany(stage.folder, 90);
  const events = locations.map((location) => eventOf(location, { version: 'v1' }));
  await stage.add(...events, ...events);
  const handles = [0, 1, 2].map((shard) => plant.client.workflow.getHandle(onAccessWorkflowId(stage.source.id, shard)));
  const settled = async (): Promise<JobProgress[]> => {
    for (const end = Date.now() + 30_000; ; ) {
      const all = await Promise.all(
        handles.map((handle) => handle.query<JobProgress>(QUERY.progress).catch(() => undefined)),
      );
      const known = all.filter((one) => one !== undefined);
      const rows = known.reduce((sum, { counters }) => sum + counters.outcomes.clean + counters.outcomes.skipped, 0);
      if (rows === 180) return known;
      if (Date.now() > end) throw new Error(`${rows} rows of 180`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const jobs = await settled();
  expect(jobs.map(({ events: of }) => of?.shard)).toEqual([0, 1, 2]);
  for (const { counters, listed } of jobs) {
    expect(counters.outcomes.clean).toBeGreaterThan(0);
    // Each repeat lies where its first does.
    expect(counters.outcomes.skipped).toBe(counters.outcomes.clean);
    expect(listed).toBe(counters.outcomes.clean * 2);
  }
});

it('events whose pages are gone are a gap of the job, to the event', async () => {
  await plant.worker();
  const stage = new EventStage(plant, 'lost');
  const locations = writeMany(stage.folder, 6_000, 10);
  await stage.add(eventOf(locations[0] as string));
  const { job } = await stage.settled(1);
  const handle = plant.client.workflow.getHandle(stage.workflowId);
  await handle.executeUpdate('pause', { args: [{ job, actor: 'test' }] });
  await stage.add(...locations.slice(1).map((location) => eventOf(location)));
  await stage.until(({ events }) => events?.received === 6_000);
  const pages: FoundPage[] = [];
  for (const slot of new Set([slotOf(Date.now() - 3_600_000), slotOf(Date.now())]))
    for await (const page of plant.ledger.intake.list(slot)) if (page.source === stage.source.id) pages.push(page);
  const byNumber = pages.sort((a, b) => a.ref.n - b.ref.n);
  // One that is known event by event, and two of those that are known by name.
  const [early, late, later] = [byNumber[3], byNumber.at(-3), byNumber.at(-4)] as [FoundPage, FoundPage, FoundPage];
  const gone = [early, late, later];
  const events = await Promise.all(
    gone.map(async ({ source, shard, ref }) => (await plant.ledger.intake.read({ source, shard }, ref)).length),
  );
  for (const page of gone) await plant.ledger.intake.remove(page);
  const lost = events.reduce((sum, count) => sum + count, 0);
  await handle.executeUpdate('resume', { args: [{ job, actor: 'test' }] });
  await stage.until(({ counters }) => counters.outcomes.clean === 6_000 - lost);
  // Other settings end the job.
  stage.settings = { ...stage.settings, filter: '*.none' };
  await stage.add(eventOf('x.txt'));
  await stage.until((progress) => progress.job !== job);
  const [ended] = await endedJobs(stage.source.id);
  expect(ended).toMatchObject({ state: 'completed_with_gaps', gaps: [{ class: 'events_dropped', count: lost }] });
}, 120_000);
