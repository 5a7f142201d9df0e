import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker, type WorkflowBundle } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it, test } from 'vitest';
import { type HistoryJson, historyFromJson } from '../../scripts/histories/json.ts';
import { SCENARIOS } from '../../scripts/histories/scenarios.ts';
import { workflowBundle } from '../../workers/workflow-bundle.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const FOLDER = path.join(import.meta.dirname, 'histories');
const RECORDED = globSync('*.json', { cwd: FOLDER })
  .map((file) => path.parse(file).name)
  .sort();
/** The rooms that workflow code may import from. */
const ROOMS = ['workflows', 'domain', 'ledger', 'activities', 'connectors'];
const quiet = new DefaultLogger('ERROR', () => undefined);
let bundle: WorkflowBundle;
let folder: string;

beforeAll(async () => {
  Runtime.install({ logger: quiet });
  bundle = await workflowBundle(undefined, quiet);
  folder = mkdtempSync(path.join(tmpdir(), 'dsx-replay-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function historyOf(name: string): HistoryJson {
  return JSON.parse(readFileSync(path.join(FOLDER, `${name}.json`), 'utf8')) as HistoryJson;
}

/** @throws DeterminismViolationError when the code does not do what the history has */
function replay(workflowBundle: WorkflowBundle, name: string): Promise<void> {
  return Worker.runReplayHistory({ workflowBundle, replayName: name }, historyFromJson(historyOf(name)));
}

/** The workflow code with one text of one file replaced by another. */
async function changed(name: string, file: string, before: string, after: string): Promise<WorkflowBundle> {
  const copy = path.join(folder, name);
  for (const room of ROOMS) cpSync(path.join(ROOT, room), path.join(copy, room), { recursive: true });
  cpSync(path.join(ROOT, 'package.json'), path.join(copy, 'package.json'));
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(copy, 'node_modules'));
  const source = readFileSync(path.join(copy, file), 'utf8');
  expect(source.split(before).length, `${file} holds once: ${before}`).toBe(2);
  writeFileSync(path.join(copy, file), source.replace(before, after));
  return await bundleWorkflowCode({ workflowsPath: path.join(copy, 'workflows/index.ts'), logger: quiet });
}

test('every scenario is recorded, and nothing else', () => {
  expect(RECORDED).toEqual(Object.keys(SCENARIOS).sort());
});

test.each(RECORDED)('%s replays', async (name) => {
  await replay(bundle, name);
});

it('a change of order makes the replay fail', async () => {
  const swapped = await changed(
    'swapped',
    'workflows/scan-job/driver.ts',
    'this.#act.scan.openJob(this.#context)',
    'this.#act.scan.probe(this.#context).then(() => this.#act.scan.openJob(this.#context))',
  );
  await expect(replay(swapped, 'full-scan.completed')).rejects.toThrow(/[Nn]on-?determinism/);
  await expect(replay(swapped, 'full-scan.running')).rejects.toThrow(/[Nn]on-?determinism/);
}, 30_000);

it('a change that alters no command replays', async () => {
  const renamed = await changed(
    'renamed',
    'workflows/scan-job/driver.ts',
    'export class Driver {',
    '/* moved */ export class Driver {',
  );
  await replay(renamed, 'full-scan.completed');
}, 30_000);

test.each(RECORDED)('%s tells nothing of where it was recorded', (name) => {
  const texts: string[] = [];
  collect(historyOf(name), texts);
  const text = texts.join('\n');
  for (const word of [ROOT, `${tmpdir()}/`, '/node_modules/', `@${hostname()}`]) expect(text).not.toContain(word);
  expect(text).not.toMatch(/\d@[\w-]+/);
});

/** All text of a history, that in payloads too. */
function collect(value: unknown, texts: string[]): void {
  if (typeof value === 'string') texts.push(value);
  if (typeof value !== 'object' || value === null) return;
  for (const [key, field] of Object.entries(value)) {
    if (key === 'data' && typeof field === 'string') texts.push(Buffer.from(field, 'base64').toString('utf8'));
    else collect(field, texts);
  }
}
