import { type Chain, type Link, linkOf, longestChain, readCommitObject } from './chain.ts';
import type { JobObjects } from './job-objects.ts';
import { parseCommitName } from './names.ts';
import type { Problems } from './verify-report.ts';

export interface CheckedChain {
  /** The commits to check everything else against, first to last. */
  readonly links: readonly Link[];
  /** Commits behind the last of them that hang on it. */
  readonly later: number;
  /** Commit objects that are damaged: problems, no strays. */
  readonly damaged: ReadonlySet<string>;
}

/** Chooses the chain: the one that ends at the root when one was given, else the longest. Damaged commits are always problems. */
export async function checkChain(
  objects: JobObjects,
  names: Iterable<string>,
  headerHash: string,
  root: string | undefined,
  problems: Problems,
): Promise<CheckedChain> {
  const all: Link[] = [];
  const damaged = new Set<string>();
  for (const name of names) {
    if (parseCommitName(name) === undefined) continue;
    const found = await problems.reading(name, () => readCommitObject(objects, name));
    if (found === undefined) damaged.add(name);
    else all.push(linkOf(found.hash, found.body));
  }
  const longest = longestChain(all, headerHash);
  if (root === undefined) {
    reportLoose(all, longest, problems);
    return { links: longest.links, later: 0, damaged };
  }
  const asked = chainTo(all, headerHash, root);
  if (asked === undefined) {
    const message = `No commit that hangs on this job's header has the hash ${root}: the ledger was changed, or the root is another job's.`;
    problems.add('root', longest.links.at(-1)?.name ?? 'commits/', message);
    reportLoose(all, longest, problems);
    return { links: longest.links, later: 0, damaged };
  }
  const end = asked.at(-1);
  const later = end !== undefined && !end.final ? all.filter((link) => link.number > end.number).length : 0;
  return { links: asked, later, damaged };
}

function reportLoose(all: readonly Link[], chain: Chain, problems: Problems): void {
  const head = chain.links.at(-1);
  for (const rival of chain.rivals) {
    problems.add(
      'chain',
      rival.name,
      `The chain has a second end, beside ${head?.name}. Give the root that was printed.`,
    );
  }
  const known = new Set([...chain.links, ...chain.rivals].map((link) => link.name));
  for (const link of all) {
    if (known.has(link.name)) continue;
    // An older commit beside the chain is a stray of a run that was reset. A newer or a final one can't be.
    if (link.number <= (head?.number ?? 0) && !(link.final && head?.final !== true)) continue;
    problems.add(
      'chain',
      link.name,
      'This commit does not hang on the chain: one before it is missing, damaged or another.',
    );
  }
}

/** The chain that ends with the commit of this hash, if it reaches the header. */
function chainTo(all: readonly Link[], headerHash: string, hash: string): Link[] | undefined {
  const byHash = new Map(all.map((link) => [link.hash, link]));
  const links: Link[] = [];
  for (let link = byHash.get(hash); link !== undefined; link = byHash.get(link.previous)) {
    if (links.length > 0 && link.final) return undefined;
    links.push(link);
    if (link.number === 1) return link.previous === headerHash ? links.reverse() : undefined;
    const before = byHash.get(link.previous);
    if (before !== undefined && before.number !== link.number - 1) return undefined;
  }
  return undefined;
}
