import { type Environment, runNode } from './run-node.ts';
import type { Counts } from './suites.ts';

/** Runs the checks of `scripts/checks/`, which say `ok name` or `FAIL name: …` for each. One that broke off counts as failed. */
export async function runChecks(root: string, env: Environment): Promise<Counts> {
  const { code, output } = await runNode(root, ['scripts/checks/run.ts'], env, true);
  const passed = output.match(/^ok /gm)?.length ?? 0;
  const failed = output.match(/^FAIL /gm)?.length ?? 0;
  return { passed, failed: code === 0 ? failed : Math.max(failed, 1) };
}
