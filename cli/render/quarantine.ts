import type { AllowedHash } from '../../api/contract.ts';
import type { QuarantinedItem } from '../../ledger/quarantined-item.ts';
import { visible, visibleLocation } from './names.ts';
import { sourceText } from './progress.ts';
import { shellWord } from './shell-word.ts';
import type { Style } from './style.ts';

/** Why a file that was put back may go again, and what to do about it. */
export const JUDGED_AGAIN =
  'what is put back is another version than the one that was judged: the next scan judges it again, and acts again';

/** What is in quarantine, and what to type about it. `next`: where the list goes on. */
export function quarantineText(items: readonly QuarantinedItem[], next: string | undefined, style: Style): string {
  const lines = items.flatMap((one) => itemLines(one, style));
  const [first] = items.filter(({ restorable }) => restorable);
  if (first !== undefined) {
    lines.push('', `put one back        dsx restore ${first.job} --findings ${first.item} --reason TEXT`);
    lines.push(`all of a job        dsx restore ${first.job} --reason TEXT`);
    const hash = first.sha256 ?? 'SHA256';
    lines.push(`let it stay there   dsx allow ${hash} --reason TEXT`, '', style.faint(JUDGED_AGAIN));
  }
  if (next !== undefined) lines.push(`there may be more; go on with: --after ${shellWord(next)}`);
  if (items.length === 0) lines.unshift(next === undefined ? 'nothing is in quarantine' : 'nothing so far');
  return lines.join('\n');
}

function itemLines(one: QuarantinedItem, style: Style): string[] {
  const { source, job, item, action, destination, sha256, threat, at, restorable } = one;
  const what = threat === undefined ? '' : `  ${style.bad(visible(threat))}`;
  const how = restorable ? '' : style.warn(' (can not be put back)');
  return [
    `${visibleLocation(one)}${what}${how}`,
    style.faint(`  ${sourceText(source)}, ${action} at ${at}, job ${job} ${item}`),
    ...(destination === undefined ? [] : [style.faint(`  now ${visible(destination)}`)]),
    ...(sha256 === undefined ? [] : [style.faint(`  sha256 ${sha256}`)]),
  ];
}

/** What is allowed by hash, and what no longer is. */
export function allowedText(entries: readonly AllowedHash[], next: string | undefined, style: Style): string {
  const lines = entries.map((entry) => allowedLine(entry, style));
  if (next !== undefined) lines.push(`more: --after ${next}`);
  if (entries.length === 0) lines.push('no hash is allowed');
  return lines.join('\n');
}

/** One decision in one line. */
export function allowedLine({ sha256, allowed, by, at, reason }: AllowedHash, style: Style): string {
  const state = allowed ? style.warn('allowed') : style.faint('revoked');
  return `${sha256}  ${state}  by ${visible(by)} at ${at}: ${visible(reason)}`;
}
