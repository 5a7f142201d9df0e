import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { compareFacts, type Facts, sha256Of, snapshot } from '../../../cli/demo/snapshot.ts';
import { visible } from '../../../cli/render/names.ts';
import type { Findings } from './findings.ts';
import { type JobRecord, keyOf } from './read-job.ts';

/** No finding is acted on twice, nothing is acted on but the judged version of a malicious item, and each has its action. */
export function checkActions(job: string, record: JobRecord, findings: Findings): void {
  const rows = new Map(record.rows.map((row) => [row.item, row]));
  const acted = new Set<string>();
  for (const action of record.actions) {
    if (acted.has(action.finding)) findings.add('actions', `${action.finding} has more than one action row`);
    acted.add(action.finding);
    const row = rows.get(action.item);
    if (action.finding !== `${job}/${action.item}` || row === undefined || keyOf(row) !== keyOf(action)) {
      findings.add('actions', `the action on ${action.finding} belongs to no outcome row`);
    } else if (row.outcome !== 'malicious') {
      findings.add('actions', `${action.finding} was acted on, and is ${row.outcome}`);
    } else if (row.judged?.version !== action.version) {
      findings.add('actions', `${action.finding} was acted on in another version than the one that was judged`);
    }
    if (action.state !== 'done')
      findings.add('actions', `the action on ${action.finding} is ${action.state} (${action.code})`);
  }
  for (const intent of record.intents) {
    const row = rows.get(intent.finding.slice(job.length + 1));
    if (row?.outcome !== 'malicious' || row.judged?.version !== intent.judged.version) {
      findings.add('actions', `an intent names ${intent.finding}, which was not judged malicious in that version`);
    }
  }
  for (const row of record.rows) {
    if (row.outcome === 'malicious' && !acted.has(`${job}/${row.item}`)) {
      findings.add('actions', `${row.item} is malicious, and nothing was done to it`);
    }
  }
  checkAppliedOnce(record, findings);
}

/** Attempts that came to nothing count too: of all that ever wrote a row, at most one made the change. */
function checkAppliedOnce(record: JobRecord, findings: Findings): void {
  const applied = new Set<string>();
  for (const { finding, code } of [...record.actions, ...record.strayActions]) {
    if (code !== 'applied') continue;
    if (applied.has(finding)) findings.add('actions', `${finding} was applied twice`);
    applied.add(finding);
  }
}

/**
 * What was moved lies in quarantine, byte for byte, once, with a record of its own, and nothing else does; its original is gone, and
 * everything else is as it was.
 */
export async function checkDisk(
  record: JobRecord,
  folder: string,
  before: ReadonlyMap<string, Facts>,
  quarantine: string,
  findings: Findings,
): Promise<void> {
  const judged = new Map(record.rows.map((row) => [row.item, row]));
  const moved = new Set<string>();
  const places = new Set<string>();
  for (const action of record.actions) {
    if (action.state !== 'done') continue;
    moved.add(keyOf(action));
    const { destination } = action;
    if (destination === undefined) {
      findings.add('quarantine', `the action on ${action.finding} does not say where it put it`);
      continue;
    }
    if (places.has(destination)) findings.add('quarantine', `${visible(destination)} is the place of two items`);
    places.add(destination);
    const want = judged.get(action.item)?.sha256;
    const got = await sha256Of(destination).catch((error: unknown) => `unreadable (${String(error)})`);
    findings.equal('quarantine', `SHA-256 of ${visible(destination)}`, got, want);
    const about = await recordOf(destination);
    findings.equal('quarantine', `the record beside ${visible(destination)} is about`, about, action.finding);
  }
  for (const file of await filesBelow(quarantine)) {
    if (!places.has(file) && !places.has(file.replace(/\.dsx\.json$/, ''))) {
      findings.add('quarantine', `${visible(file)} is there, and no action put it there`);
    }
  }
  for (const difference of compareFacts(before, await snapshot(folder), moved)) findings.add('folder', difference);
}

async function recordOf(destination: string): Promise<string> {
  try {
    return String((JSON.parse(await readFile(`${destination}.dsx.json`, 'utf8')) as { finding?: unknown }).finding);
  } catch (error) {
    return `unreadable (${String(error)})`;
  }
}

async function filesBelow(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory()).map((entry) => path.join(entry.parentPath, entry.name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
