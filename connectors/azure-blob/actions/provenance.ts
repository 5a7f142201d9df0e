import type { ActionIntent, Provenance } from '../../../domain/action.ts';
import { addressOf, type BlobPlace } from '../names.ts';

/** Names of metadata are identifiers; those of index tags are not, and have the form that tags have in every store. */
export type Texts = Readonly<Record<string, string>>;

/** Bytes of metadata, names and values, that a blob can have. */
const METADATA_MAX = 8 * 1024;
/** Index tags that a blob can have. */
export const TAGS_MAX = 10;
const TAG_VALUE_MAX = 256;

const PREFIX = 'dsx_quarantine_';
/** On what was put back: the finding that it had been moved for. */
export const RESTORED = 'dsx_restored';

/** A value that headers and index tags can carry. */
export function tagValue(text: string): string {
  return text
    .replace(/[^A-Za-z0-9 _.:/=+-]/g, '_')
    .slice(0, TAG_VALUE_MAX)
    .trim();
}

/** What a finding says of its item, the most telling first. */
function facts(finding: string, provenance: Provenance): [string, string][] {
  const { verdict, threatType, job, sha256, scanId, standIn, judgedAt } = provenance;
  const pairs: [string, string | undefined][] = [
    ['verdict', verdict],
    ['finding', finding],
    ['sha256', sha256],
    ['threat', threatType],
    ['judged-at', judgedAt],
    ['stand-in', String(standIn)],
    ['job', job],
    ['scan-id', scanId],
  ];
  return pairs
    .filter((pair): pair is [string, string] => pair[1] !== undefined)
    .map(([key, text]) => [key, tagValue(text)]);
}

/** The index tags of a finding, the most telling first. */
export function indexTags({ finding, provenance }: ActionIntent): [string, string][] {
  return facts(finding, provenance).map(([key, text]) => [`dsx-${key}`, text]);
}

/** The same as metadata. */
export function metadataTags({ finding, provenance }: ActionIntent): Texts {
  return Object.fromEntries(facts(finding, provenance).map(([key, text]) => [`dsx_${key.replaceAll('-', '_')}`, text]));
}

const OURS = /^dsx[-_](verdict|finding|sha256|threat|judged[-_]at|stand[-_]in|job|scan[-_]id)$/;

/** Without what a finding wrote. */
export function withoutTags(texts: Texts): Texts {
  return Object.fromEntries(Object.entries(texts).filter(([name]) => !OURS.test(name)));
}

/** Without what a move wrote. */
export function withoutProvenance(metadata: Texts): Texts {
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => !name.startsWith(PREFIX)));
}

/** What travels with a quarantined blob, beside its own metadata. */
export function quarantineMetadata(intent: ActionIntent, place: BlobPlace, versionId: string | undefined): Texts {
  const { provenance, finding, judged, action } = intent;
  const pairs = facts(finding, provenance).map(([key, text]): [string, string] => [key.replaceAll('-', '_'), text]);
  const all: [string, string][] = [
    ...pairs,
    original(addressOf(place)),
    ['connector', tagValue(provenance.connector)],
    ['version', judged.version],
    ['size', String(judged.size)],
    ['action', action],
  ];
  if (versionId !== undefined) all.push(['version_id', versionId]);
  return Object.fromEntries(all.map(([name, text]) => [PREFIX + name, text]));
}

/** Readable where it is plain, else in base64 of UTF-8: headers take neither other letters nor spaces at the ends. */
function original(address: string): [string, string] {
  const plain = /^[!-~](?:[ -~]*[!-~])?$/.test(address);
  return plain ? ['original', address] : ['original_base64', Buffer.from(address).toString('base64')];
}

/** One of the entries that `quarantineMetadata` wrote. */
export function quarantined(metadata: Texts | undefined, name: 'finding' | 'sha256' | 'size' | 'version_id' | 'note') {
  return metadata?.[PREFIX + name];
}

/** Both where they fit, else ours alone. `left`: the others were left out. */
export function fitting(others: Texts, ours: Texts): { metadata: Texts; left: boolean } {
  const both = { ...others, ...ours };
  return fits(both) ? { metadata: both, left: false } : { metadata: ours, left: true };
}

/** A sentence for the report of the move, also for that of a repeat. */
export function quarantineNote(text: string): Texts {
  return { [`${PREFIX}note`]: text };
}

export function fits(metadata: Texts): boolean {
  return sizeOf(metadata) <= METADATA_MAX;
}

function sizeOf(metadata: Texts): number {
  return Object.entries(metadata).reduce(
    (sum, [name, text]) => sum + Buffer.byteLength(name) + Buffer.byteLength(text),
    0,
  );
}

/**
 * Tags that are there, and as many of ours as there is room for. `left`: names of those for which there was none.
 */
export function mergedTags(there: Texts, ours: readonly [string, string][]): { tags: Texts; left: string[] } {
  const tags: Record<string, string> = { ...there };
  const left: string[] = [];
  for (const [name, text] of ours) {
    if (Object.hasOwn(tags, name) || Object.keys(tags).length < TAGS_MAX) tags[name] = text;
    else left.push(name);
  }
  return { tags, left };
}
