import { createHash } from 'node:crypto';
import { failed, noted } from '../../action-stop.ts';
import type { ActionReport } from '../../connector.ts';
import { ConnectorError } from '../../errors.ts';
import { etagOf, versionOf } from '../entry.ts';
import { addressOf } from '../names.ts';
import { openBlob } from '../open-item.ts';
import { fits, indexTags, mergedTags, metadataTags, TAGS_MAX, type Texts } from './provenance.ts';
import {
  type ActionWork,
  blobAt,
  change,
  type Facts,
  factsAt,
  isElsewise,
  isJudged,
  mayChange,
  notJudged,
} from './work.ts';

/** `tag`: index tags, or metadata. What is there stays. */
export async function tagItem(work: ActionWork, facts: Facts | undefined): Promise<ActionReport> {
  return work.settings.tags === 'index' ? setIndexTags(work, facts) : setMetadata(work, facts);
}

/** The index tags of the item. @throws ConnectorError */
export async function readTags(work: ActionWork): Promise<Texts> {
  const doing = { doing: 'reading the index tags of', what: addressOf(work.place) };
  const { tags } = await change(work, doing, (abortSignal) => blobAt(work, work.place).getTags({ abortSignal }));
  return tags;
}

/** Index tags are no part of the version. Their condition is new in the service, so that the version is looked at again afterwards. */
async function setIndexTags(work: ActionWork, facts: Facts | undefined): Promise<ActionReport> {
  const { intent, place } = work;
  const { version } = intent.judged;
  if (facts === undefined || !isJudged(facts, version)) return notJudged(work, facts);
  mayChange(facts);
  const there = await readTags(work);
  const wanted = indexTags(intent);
  const { tags, left } = mergedTags(there, wanted);
  // The verdict and the finding are what a tag is for.
  const needed = wanted.slice(0, 2).map(([name]) => name);
  if (needed.some((name) => left.includes(name))) {
    const count = Object.keys(there).length;
    throw failed('not_supported', `it has ${count} of ${TAGS_MAX} index tags: no room for ${needed.join(' and ')}`);
  }
  const note = left.length === 0 ? undefined : `no room among ${TAGS_MAX} index tags for ${left.join(', ')}`;
  const same = Object.entries(tags).every(([name, text]) => there[name] === text);
  if (same) return { state: 'done', code: 'already_applied', ...noted(note) };
  try {
    await change(work, { doing: 'setting the index tags of', what: addressOf(place) }, (abortSignal) =>
      blobAt(work, place).setTags({ ...tags }, { abortSignal, conditions: { ifMatch: etagOf(version) } }),
    );
  } catch (error) {
    if (isElsewise(error)) return notJudged(work, await factsAt(work, place));
    throw error;
  }
  const now = await factsAt(work, place);
  if (isJudged(now, version)) return { state: 'done', code: 'applied', ...noted(note) };
  const report = notJudged(work, now);
  if (now === undefined) return report;
  return {
    ...report,
    note: 'it was replaced by another version while its index tags were set, which may have got them',
  };
}

/** Metadata is part of the version: the new one is told. */
async function setMetadata(work: ActionWork, facts: Facts | undefined): Promise<ActionReport> {
  const { intent, place } = work;
  const ours = metadataTags(intent);
  if (facts === undefined || !isJudged(facts, intent.judged.version)) {
    if (facts === undefined || !(await isTaggedByUs(work, facts, ours))) return notJudged(work, facts);
    return { state: 'done', code: 'already_applied', made: [versionOf(facts.etag)] };
  }
  mayChange(facts);
  const metadata = { ...facts.metadata, ...ours };
  if (!fits(metadata)) throw failed('not_supported', 'its metadata leaves no room for tags; set tags to index');
  const scope = facts.encryptionScope === undefined ? {} : { encryptionScope: facts.encryptionScope };
  try {
    const { etag } = await change(work, { doing: 'setting the metadata of', what: addressOf(place) }, (abortSignal) =>
      blobAt(work, place).setMetadata(metadata, {
        abortSignal,
        conditions: { ifMatch: etagOf(intent.judged.version) },
        ...scope,
      }),
    );
    return { state: 'done', code: 'applied', made: [versionOf(etag)] };
  } catch (error) {
    if (isElsewise(error)) return notJudged(work, await factsAt(work, place));
    throw error;
  }
}

/** Whether this is the judged version with our tags: by its bytes, for whoever changes those may keep the metadata. */
async function isTaggedByUs(work: ActionWork, facts: Facts, ours: Texts): Promise<boolean> {
  const { judged, provenance } = work.intent;
  const tagged = Object.entries(ours).every(([name, text]) => facts.metadata?.[name] === text);
  if (!tagged || facts.contentLength !== judged.size) return false;
  const open = await openBlob(blobAt(work, work.place), addressOf(work.place), work.signal);
  try {
    if (open.version !== versionOf(facts.etag)) return false;
    const hash = createHash('sha256');
    for await (const chunk of open.read(work.signal)) hash.update(chunk);
    await open.confirm();
    return hash.digest('hex') === provenance.sha256;
  } catch (error) {
    if (error instanceof ConnectorError && error.code === 'changed') return false;
    throw error;
  } finally {
    await open.close();
  }
}
