import { readdirSync } from 'node:fs';
import { expect } from 'vitest';
import type { ActionRow } from '../../domain/action.ts';
import { listHash, type Order } from '../../domain/approval.ts';
import { pageActions } from '../../ledger/actions.ts';
import { verifyJob } from '../../ledger/verify.ts';
import {
  applyWorkflowId,
  type DecideAnswer,
  type DecideRequest,
  GATE,
  type GateView,
  gateWorkflowId,
} from '../../workflows/messages.ts';
import type { JobResult } from '../../workflows/scan-job/state.ts';
import { EICAR, writeFiles } from './files.ts';
import type { Plant } from './plant.ts';

/** Writes a harmless file and so many malicious ones, `bad-00.com` … Returns the folder. */
export function infect(folder: string, count: number): string {
  const bad = Array.from({ length: count }, (_, i) => [`bad-${String(i).padStart(2, '0')}.com`, EICAR]);
  writeFiles(folder, { 'good.txt': 'harmless', ...Object.fromEntries(bad) });
  return folder;
}

/** The malicious files that are still there. */
export function left(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith('bad-'));
}

export function gateOf(plant: Plant, folder: string) {
  return plant.client.workflow.getHandle(gateWorkflowId(plant.source(folder).id));
}

export function viewOf(plant: Plant, folder: string): Promise<GateView> {
  return gateOf(plant, folder).query<GateView>(GATE.view);
}

let decisions = 0;

/** Decides about the list as it is now. */
export async function decideAs(
  plant: Plant,
  folder: string,
  what: Pick<DecideRequest, 'verdict' | 'through' | 'only' | 'actor'>,
): Promise<DecideAnswer> {
  const { waiting } = await viewOf(plant, folder);
  const request = { ...what, list: listHash(waiting, what.through), job: `decided-${++decisions}` };
  return await gateOf(plant, folder).executeUpdate<DecideAnswer, [DecideRequest]>(GATE.decide, { args: [request] });
}

/** How an apply job ended; without its order one that a decision started. */
export function applyResult(plant: Plant, job: string, order?: Order): Promise<JobResult> {
  const workflowId = order === undefined ? `apply:${job}` : applyWorkflowId(job, order);
  return plant.client.workflow.getHandle(workflowId).result() as Promise<JobResult>;
}

export async function actionsOf(plant: Plant, job: string): Promise<ActionRow[]> {
  return [...(await pageActions(plant.ledger.job(job), { limit: 1000 })).rows];
}

export async function verified(plant: Plant, job: string, root: string): Promise<void> {
  const report = await verifyJob(plant.ledger.job(job), { root });
  expect(report.problems).toEqual([]);
  expect(report.authentic).toBe(true);
}
