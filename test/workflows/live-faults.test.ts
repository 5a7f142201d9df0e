import { afterEach, beforeEach, expect, it } from 'vitest';
import { EICAR } from '../support/files.ts';
import { Live, until, untilHealth } from '../support/live/live.ts';
import { type LiveS3, liveS3 } from '../support/live/s3.ts';

let live: Live;
let source: LiveS3;
beforeEach(async () => {
  [live, source] = await Promise.all([Live.start(), liveS3()]);
});
afterEach(async () => {
  await live?.stop();
  await source?.close();
});

it('a worker killed in the middle of its turn: another goes on, with nothing lost and nothing twice', async () => {
  live.configure([source.connector]);
  const first = await live.worker();
  const bodies = Array.from({ length: 60 }, (_, i) => (i % 20 === 0 ? `${EICAR}${' '.repeat(i)}` : `item ${i}`));
  await source.put('first.txt', 'first');
  await until(() => live.scansOf('first') === 1);
  live.plant.standin.setOptions({ latencyMs: 100, workers: 2 });
  const puts = (async () => {
    for (const [i, bytes] of bodies.entries()) await source.put(`f${i}`, bytes);
  })();
  await until(() => live.plant.standin.stats().scans > 8);
  first.kill('SIGKILL');
  await first.gone;
  await puts;
  expect(await source.waiting()).toBeGreaterThan(0);
  live.plant.standin.setOptions({ latencyMs: 0 });
  await live.worker();
  const job = live.job(source);
  const took = await until(async () => {
    const { counters, events } = await job.progress();
    return events?.pending === 0 && counters.outcomes.clean + counters.outcomes.malicious >= bodies.length + 1;
  }, 120_000);
  await until(async () => (await source.waiting()) === 0);
  console.log(`all judged ${took} ms after the next worker was there`);
  const { job: name } = await job.until(({ actions, pages }) => actions.done === 3 && pages.closed === pages.listed);
  const rows = await job.end(name);
  // An event that comes again is a repeat: it has a row, and no scan.
  const judged = rows.filter(({ outcome }) => outcome === 'clean' || outcome === 'malicious');
  expect(judged.map(({ location }) => location).sort()).toEqual(['first.txt', ...bodies.map((_, i) => `f${i}`)].sort());
  expect(rows.filter((row) => !judged.includes(row)).every(({ reason }) => reason === 'duplicate')).toBe(true);
  expect((await source.quarantined()).length).toBe(3);
  expect(await job.verified(name)).toMatchObject({ authentic: true, problems: [] });
}, 240_000);

it('what no event told of is found by a sweep, which says how much it was; Redis may be emptied meanwhile', async () => {
  live.configure([source.connector]);
  const api = await live.api();
  await live.worker();
  const { id } = source.connector;
  const swept = async () => {
    const before = (await untilHealth(api, id, ({ sweep }) => sweep?.runningSince === undefined)).sweep?.last?.at;
    expect(await api.steerWatch(id, 'sweep')).toMatchObject({ connector: id });
    return (await untilHealth(api, id, ({ sweep }) => sweep?.last !== undefined && sweep.last.at !== before)).sweep;
  };
  for (let i = 0; i < 5; i++) await source.put(`told ${i}`, `told ${i}`);
  await until(() => [0, 1, 2, 3, 4].every((i) => live.scansOf(`told ${i}`) === 1));
  // The first one of all has nothing to compare with.
  expect((await swept())?.last).toMatchObject({ outcome: 'swept', state: 'completed', listed: 5 });

  await source.tell(false);
  for (let i = 0; i < 7; i++) await source.put(`lost ${i}`, i === 0 ? EICAR : `lost ${i}`);
  await source.put('told 4', 'written anew');
  await source.tell(true);
  await source.put('told 5', 'told 5');
  // What a sweep can lay its listing beside is what was committed.
  const job = live.job(source);
  const { job: name } = await job.progress();
  await until(async () => (await job.rows(name)).some(({ location }) => location === 'told 5'));
  expect(live.scansOf('lost 1')).toBe(0);
  const sweep = await swept();
  expect(sweep).toMatchObject({ found: 8, last: { outcome: 'swept', listed: 13, found: 8 } });
  await until(async () => (await source.quarantined()).length === 1);
  for (let i = 1; i < 7; i++) expect(live.scansOf(`lost ${i}`)).toBe(1);
  expect((await swept())?.last).toMatchObject({ outcome: 'swept', found: 0 });

  const { createClient } = await import('redis');
  const redis = await createClient({ url: live.valkey.url }).connect();
  await redis.flushAll();
  await redis.close();
  const { counts } = await untilHealth(api, id, ({ state, counts }) => state === 'watching' && counts.events > 0);
  await source.put('after', 'after');
  await until(() => live.scansOf('after') === 1);
  await untilHealth(api, id, (health) => health.counts.events > counts.events);
  const { connectors } = await api.connectors();
  expect(connectors).toMatchObject([{ id, watched: true, watchState: 'watching' }]);
}, 240_000);

it('a source that is away is told, and so is a site without a worker', async () => {
  live.configure([source.connector]);
  const api = await live.api();
  const worker = await live.worker();
  const { id } = source.connector;
  await source.put('a', 'a');
  await until(() => live.scansOf('a') === 1);
  worker.kill('SIGKILL');
  await worker.gone;
  // Workflows go on; nobody of the site takes a turn.
  await live.worker({ DSXCONNECT_WORKER_ROLES: 'orchestrator' });
  const { trouble } = await untilHealth(api, id, (health) => health.trouble?.code === 'no_worker', 150_000);
  expect(trouble?.detail).toMatch(/no worker of this connector/);
  await source.put('b', 'b');
  await live.worker();
  await until(() => live.scansOf('b') === 1, 120_000);
  const { state } = await untilHealth(api, id, (health) => health.trouble === undefined);
  expect(state).toBe('watching');
}, 360_000);
