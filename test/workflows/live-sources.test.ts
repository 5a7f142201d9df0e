import { afterEach, describe, expect, it } from 'vitest';
import { trustLocalCertificate } from '../../scripts/servers/graph/certificate.ts';
import { EICAR } from '../support/files.ts';
import { liveAzure } from '../support/live/azure.ts';
import { liveFiles } from '../support/live/files.ts';
import { liveGcs } from '../support/live/gcs.ts';
import { liveGraph } from '../support/live/graph.ts';
import { Live, type LiveSource, until, untilHealth } from '../support/live/live.ts';
import { liveS3 } from '../support/live/s3.ts';

type Opened = LiveSource & { readonly apiEnv?: Readonly<Record<string, string>> };
const SOURCES: readonly (readonly [string, (live: Live) => Promise<Opened>])[] = [
  ['S3 through SQS', liveS3],
  ['Google Cloud Storage through Pub/Sub', liveGcs],
  ['blobs through a storage queue', liveAzure],
  ['a library of SharePoint through notifications and its delta', liveGraph],
  ['a folder', async ({ plant }) => liveFiles(plant.home)],
];
const CLEAN = 12;
/** A folder of many files: a full scan of it fills a scanner that takes 30 ms a file, 8 at once, while the sources tell of theirs. */
const BULK = process.env.LIVE_BULK;
/** From the end of the write to the verdict on disk: seconds, on a machine that does much else. */
const SECONDS_MS = 15_000;

let live: Live | undefined;
let source: Opened | undefined;
afterEach(async () => {
  await live?.stop();
  await source?.close();
  live = undefined;
  source = undefined;
});

describe.each(SOURCES)('what is put into %s', (_, open) => {
  it('is scanned within seconds and once, what is malicious moved, and our own move is no event', async () => {
    live = await Live.start();
    source = await open(live);
    const { plant } = live;
    const { id } = source.connector;
    if (source.apiEnv !== undefined) trustLocalCertificate();
    live.configure([source.connector], source.env);
    const api = await live.api(source.apiEnv);
    await live.worker();
    const job = live.job(source);
    const { put } = source;
    if (BULK !== undefined) {
      plant.standin.setOptions({ latencyMs: 30, workers: 8, remember: 200_000 });
      await plant.start({}, { source: plant.source(BULK) });
      await until(() => plant.standin.stats().scans > 500);
    }
    const clean = async () => (await job.progress().catch(() => undefined))?.counters.outcomes.clean ?? 0;

    // What is put in before a source without a memory is watched is for a sweep to find.
    let begun = 0;
    do await put(`begin ${begun}.txt`, `begin ${begun++}`);
    while (!(await within(2_000, async () => (await clean()) > 0)));
    await until(async () => (await job.progress()).events?.pending === 0);

    const seconds: number[] = [];
    for (let i = 0; i < CLEAN; i++) {
      const bytes = `clean ${i} of ${id}`;
      await put(`d${i % 3}/clean ${i} +%20é.txt`, bytes);
      seconds.push(await until(() => (live?.scansOf(bytes) ?? 0) > 0, SECONDS_MS));
    }
    const moved: number[] = [];
    for (let i = 0; i < 3; i++) {
      await put(`bad ${i}.com`, EICAR);
      moved.push(await until(async () => (await source?.quarantined())?.length === i + 1, SECONDS_MS));
    }
    // Other bytes under a name that was judged: another version.
    await put('d0/clean 0 +%20é.txt', `${EICAR} `);
    moved.push(await until(async () => (await source?.quarantined())?.length === 4, SECONDS_MS));
    console.log(`${id}: clean scanned after ${told(seconds)}, malicious moved after ${told(moved)}`);

    if (source.tellsOfQuarantine) await untilHealth(api, id, ({ counts }) => counts.ignored >= 4);
    await put('end.txt', 'end');
    await until(() => live?.scansOf('end') === 1);
    if (BULK !== undefined)
      console.log(`${plant.standin.stats().scans} scans, ${plant.standin.stats().inFlight} in flight`);
    const { job: name } = await job.until(
      ({ events, pages, actions }) => events?.pending === 0 && pages.closed === pages.listed && actions.done === 4,
    );
    for (let i = 0; i < CLEAN; i++) expect(live.scansOf(`clean ${i} of ${id}`)).toBe(1);
    expect([live.scansOf(EICAR), live.scansOf(`${EICAR} `)]).toEqual([3, 1]);
    const health = await untilHealth(
      api,
      id,
      ({ counts, lastEvent }) => counts.events > CLEAN && lastEvent !== undefined,
    );
    expect(health).toMatchObject({ state: 'watching', counts: { unreadable: 0 } });
    expect(health).not.toHaveProperty('trouble');

    const rows = await job.end(name);
    const judged = rows.filter(({ outcome }) => outcome === 'clean' || outcome === 'malicious');
    const names = judged.map(({ location, sha256 }) => `${location} ${sha256}`);
    expect(new Set(names).size).toBe(names.length);
    expect(
      judged
        .filter(({ outcome }) => outcome === 'malicious')
        .map(({ location }) => location)
        .sort(),
    ).toEqual(['bad 0.com', 'bad 1.com', 'bad 2.com', 'd0/clean 0 +%20é.txt'].sort());
    expect(rows.filter(({ outcome }) => outcome === 'failed' || outcome === 'unscannable')).toEqual([]);
    expect(await job.verified(name)).toMatchObject({ authentic: true, problems: [] });
    expect((await source.locations()).length).toBe(begun + CLEAN);
    const bodies = new Set(judged.map(({ sha256 }) => sha256));
    expect(plant.standin.requests().filter(({ sha256 }) => bodies.has(sha256))).toHaveLength(judged.length);
  }, 180_000);
});

/** Whether it comes about in time. */
async function within(ms: number, check: () => Promise<boolean>): Promise<boolean> {
  return await until(check, ms).then(
    () => true,
    () => false,
  );
}

function told(ms: readonly number[]): string {
  const sorted = [...ms].sort((a, b) => a - b);
  return `${sorted[Math.floor(sorted.length / 2)]} ms (median; at most ${sorted.at(-1)} ms)`;
}
