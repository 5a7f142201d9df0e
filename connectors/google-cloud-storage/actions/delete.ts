import { failed, findingHash, noted } from '../../action-stop.ts';
import type { ActionReport } from '../../connector.ts';
import { remains } from '../bucket.ts';
import { isElsewise, refusalOf } from '../failures.ts';
import { itemOf } from '../item.ts';
import type { GcsObject } from '../objects.ts';
import { type ObjectName, quarantineFor } from '../place.ts';
import { REPLACED } from './move.ts';
import { type ActionWork, keptBy, notJudged, retained } from './work.ts';

/**
 * `delete`. A mark is kept in quarantine, so that a repeated intent which finds nothing knows that it was done. A quarantine that
 * can't be written costs the mark, not the deletion: then such a repeat is reported `not_found`.
 */
export async function deleteItem(work: ActionWork): Promise<ActionReport> {
  const { intent, objects, at, purge, signal } = work;
  const mark = markOf(work);
  const source = await objects.find(at, signal);
  if (source?.generation !== intent.judged.version) {
    const marked = (await objects.find(mark, signal)) !== undefined;
    return marked ? done(work, 'already_applied', source) : notJudged(work, source);
  }
  const keeper = keptBy(source);
  if (keeper !== undefined) throw retained(keeper);
  const marked = await writeMark(work, mark);
  try {
    await objects.remove(at, intent.judged.version, purge, signal);
  } catch (error) {
    if (refusalOf(error) === undefined) throw error;
    const now = isElsewise(error) ? await objects.find(at, signal) : undefined;
    // An earlier attempt, which wrote the mark, can have been carried out late.
    if (isElsewise(error) && now === undefined && marked === 'before') return done(work, 'already_applied', now);
    await removeMark(work, mark);
    if (isElsewise(error)) return notJudged(work, now);
    throw error;
  }
  const now = await objects.find(at, signal);
  if (now?.generation === intent.judged.version) throw failed('storage_error', 'it is still there after its deletion');
  return done(work, 'applied', now);
}

function markOf(work: ActionWork): ObjectName {
  const { bucket, prefix } = quarantineFor(work.place, work.at.bucket);
  return { bucket, key: `${prefix}.deleted/${findingHash(work.intent.finding)}.json` };
}

async function writeMark(work: ActionWork, mark: ObjectName): Promise<'new' | 'before' | 'none'> {
  const { finding, item, judged, provenance } = work.intent;
  const body = { format: 'dsx-connect/deletion/1', finding, location: item.location, judged, provenance };
  try {
    return (await work.objects.writeNew(mark, body, work.signal)) ? 'new' : 'before';
  } catch (error) {
    const status = refusalOf(error)?.status;
    if (status !== 403 && status !== 404) throw error;
    return 'none';
  }
}

async function removeMark({ objects, signal }: ActionWork, mark: ObjectName): Promise<void> {
  const there = await objects.find(mark, signal).catch(() => undefined);
  if (there !== undefined) await objects.remove(mark, there.generation, false, signal).catch(() => undefined);
}

async function done(
  { at, buckets, purge, location, signal }: ActionWork,
  code: 'applied' | 'already_applied',
  now: GcsObject | undefined,
): Promise<ActionReport> {
  const bucket = await buckets.facts(at.bucket, signal).catch(() => undefined);
  const report: ActionReport = {
    state: 'done',
    code,
    ...noted(remains(bucket, purge), now === undefined ? undefined : REPLACED),
  };
  return now === undefined ? report : { ...report, current: itemOf(location, now) };
}
