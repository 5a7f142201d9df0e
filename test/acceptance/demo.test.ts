import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { DEMO_STORAGES } from '../../cli/demo/storage/storage.ts';
import { dsx, eventsOf, sum, summaryOf, tempFolder } from './support.ts';

const temp = tempFolder('demos');
afterAll(() => temp.remove());

/** Processes whose command line or environment names a folder. */
function processesOf(folder: string): string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return ['cmdline', 'environ'].some((file) => readFileSync(`/proc/${name}/${file}`, 'latin1').includes(folder));
    } catch {
      // It ended meanwhile.
      return false;
    }
  });
}

test.each(['once', 'and again at once'])(
  'demo exits 0, leaves nothing running or lying about, and ends with a summary: %s',
  async () => {
    const env = {
      TMPDIR: temp.path,
      HOME: temp.path,
      // Somebody's own servers: a demo has nothing to do with them.
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      REDIS_URL: 'redis://127.0.0.1:1',
      DSXA_SCANNER_URL: 'http://127.0.0.1:1',
      APP_ENV: 'prod',
    };
    const ran = await dsx(['demo', '--json'], { env });
    expect(ran.stderr).toContain('exact');
    expect(ran.code).toBe(0);
    const summary = summaryOf(ran);
    expect(sum(summary.outcomes)).toBe(summary.listed);
    expect(summary.standIn).toBe(true);
    expect(summary.outcomes.malicious).toBeGreaterThan(0);
    expect(summary.actions.done).toBe(summary.outcomes.malicious);
    expect(eventsOf(ran.stdout).filter(({ type }) => type === 'summary')).toHaveLength(1);
    expect(processesOf(temp.path)).toEqual([]);
    expect(readdirSync(temp.path)).toEqual([]);
  },
);

test.each(DEMO_STORAGES)(
  'demo --storage %s scans, quarantines and restores on a real server, exactly, and leaves nothing',
  async (storage) => {
    const ran = await dsx(['demo', '--storage', storage, '--json'], { env: { TMPDIR: temp.path, HOME: temp.path } });
    expect(ran.stderr).toContain('the account is exact');
    expect(ran.code).toBe(0);
    const summaries = eventsOf(ran.stdout).filter(({ type }) => type === 'summary');
    expect(summaries).toHaveLength(1);
    expect(summaryOf(ran)).toMatchObject({ actions: { done: expect.any(Number) } });
    expect(processesOf(temp.path)).toEqual([]);
    expect(readdirSync(temp.path)).toEqual([]);
  },
  180_000,
);
