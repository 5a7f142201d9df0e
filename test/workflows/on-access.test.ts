import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { verifyJob } from '../../ledger/verify.ts';
import { EventStage, eventOf } from '../support/events.ts';
import { EICAR, writeFiles } from '../support/files.ts';
import { Plant } from '../support/plant.ts';

let plant: Plant;

beforeAll(async () => {
  plant = await Plant.start();
}, 60_000);
afterEach(() => plant.stopWorkers());
afterAll(() => plant.stop());

describe('on-access', () => {
  it('scans what events tell of, once, and gives every event its row', async () => {
    await plant.worker();
    writeFiles(plant.folder, { 'a.txt': 'a', 'b/c.txt': 'c', 'b/bad.com': EICAR });
    const stage = new EventStage(plant);
    const repeated = eventOf('a.txt');
    await stage.add(repeated, eventOf('b/c.txt'), repeated, eventOf('b/bad.com'), eventOf('gone.txt'));
    const { job, counters } = await stage.settled(5);
    expect(counters.outcomes).toMatchObject({ clean: 2, malicious: 1, skipped: 1, vanished: 1 });
    const rows = await stage.end(job);
    expect(rows.map(({ location, outcome, reason }) => [location, reason ?? outcome]).sort()).toEqual([
      ['a.txt', 'clean'],
      ['a.txt', 'duplicate'],
      ['b/bad.com', 'malicious'],
      ['b/c.txt', 'clean'],
      ['gone.txt', 'vanished'],
    ]);
    expect((await verifyJob(plant.ledger.job(job))).problems).toEqual([]);
  });
});
