import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listJobs, rebuildStatus } from '../../cli/commands/jobs.ts';
import { EXIT } from '../../cli/errors.ts';
import { type FakeApi, fakeApi } from './fake-api.ts';
import { type FakeStacks, fakeStack, fakeStacks } from './fake-stacks.ts';
import { capturing } from './samples.ts';

let api: FakeApi;
let stacks: FakeStacks;
let home: string;
beforeEach(async () => {
  api = await fakeApi();
  stacks = fakeStacks(api.origin);
  stacks.up = fakeStack(api.origin);
  home = await mkdtemp(join(tmpdir(), 'dsx-rebuild-test-'));
});
afterEach(async () => {
  await api.close();
  await rm(home, { recursive: true, force: true });
});

const here = () => ({ ...capturing(), stacks, env: { DSX_HOME: home } });
const ANSWER = { running: 2, ended: 117, findings: 40, unanswered: ['job-lost'], seconds: 0.31 };

test('jobs --rebuild says how much was written, from where, and who did not answer', async () => {
  api.onRebuild = () => ({ status: 200, body: ANSWER });
  const text = here();
  await rebuildStatus({}, text);
  expect(text.out()).toBe(
    'status rebuilt in 0.31 s: 2 running (from their workflows), 117 ended (from the ledger), 40 findings\n',
  );
  expect(text.err()).toContain('job-lost');
  const json = here();
  await rebuildStatus({ json: true }, json);
  expect(JSON.parse(json.out())).toEqual(ANSWER);
});

test('without Redis, or without a stack, it fails and says why', async () => {
  await expect(rebuildStatus({}, here())).rejects.toMatchObject({ code: 'status_unavailable', exit: EXIT.failed });
  stacks.up = undefined;
  await expect(rebuildStatus({}, here())).rejects.toMatchObject({ code: 'no_stack', exit: EXIT.failed });
});

test('a list that had to do without a source says so, once', async () => {
  api.list = { degraded: ['status_down', 'ledger_unavailable'], unanswered: ['job-lost'] };
  const { output, err, ...rest } = here();
  await listJobs({ limit: 20 }, { ...rest, output });
  const said = err();
  for (const word of ['Redis is down', 'ledger can not be read', 'job-lost']) expect(said).toContain(word);
});
