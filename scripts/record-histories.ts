/**
 * Records the histories that `test/workflows/replay.test.ts` replays, one file for each scenario, over the ones that are there.
 * To be run when a workflow's commands change on purpose and no run of a release is to survive it; otherwise the change
 * belongs behind `patched`.
 *
 *   node scripts/record-histories.ts [NAME…]
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { historyToJson } from './histories/json.ts';
import { SCENARIOS } from './histories/scenarios.ts';
import { scrub } from './histories/scrub.ts';
import { Stage } from './histories/stage.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const FOLDER = path.join(ROOT, 'test/workflows/histories');

async function record(names: readonly string[]): Promise<void> {
  const stage = await Stage.open();
  try {
    for (const name of names) {
      const began = Date.now();
      stage.instant();
      const { workflowId, runId } = (await SCENARIOS[name]?.(stage)) ?? {};
      if (workflowId === undefined)
        throw new Error(`no scenario ${name}; there are: ${Object.keys(SCENARIOS).join(', ')}`);
      const history = await stage.plant.client.workflow.getHandle(workflowId, runId).fetchHistory();
      const json = scrub(historyToJson(history), stage.plant.home);
      writeFileSync(path.join(FOLDER, `${name}.json`), `${JSON.stringify(json)}\n`);
      console.log(`${name}: ${history.events?.length} events, ${((Date.now() - began) / 1000).toFixed(1)} s`);
    }
  } finally {
    await stage.plant.stop();
  }
}

const asked = process.argv.slice(2);
mkdirSync(FOLDER, { recursive: true });
if (asked.length === 0) {
  const stale = readdirSync(FOLDER).filter((file) => file.endsWith('.json') && !(path.parse(file).name in SCENARIOS));
  for (const file of stale) rmSync(path.join(FOLDER, file));
}
await record(asked.length === 0 ? Object.keys(SCENARIOS) : asked);
execFileSync(path.join(ROOT, 'node_modules/.bin/biome'), ['format', '--write', FOLDER], { cwd: ROOT });
