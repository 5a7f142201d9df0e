import type { JobObjects } from './job-objects.ts';
import { commitName, parseCommitName } from './names.ts';
import { corrupt, hashOf } from './ndjson.ts';
import { asCommit } from './schema.ts';
import type { CommitBody } from './types.ts';

/** A commit and where it hangs in the chain, without its content. */
export interface Link {
  readonly name: string;
  readonly number: number;
  readonly hash: string;
  readonly previous: string;
  /** It carries the account: nothing may follow it. */
  readonly final: boolean;
}

/** @throws LedgerError `not_found`, `corrupt` */
export async function readCommitObject(objects: JobObjects, name: string): Promise<{ hash: string; body: CommitBody }> {
  const bytes = await objects.get(name);
  const hash = hashOf(bytes);
  const named = parseCommitName(name);
  if (named === undefined || !hash.startsWith(named.prefix)) {
    throw corrupt(name, 'its bytes are not those that its name stands for');
  }
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw corrupt(name, 'it is no JSON', cause);
  }
  const body = asCommit(name, value);
  if (body.job !== objects.job) throw corrupt(name, `it belongs to the job ${JSON.stringify(body.job)}`);
  if (body.number !== named.number) throw corrupt(name, `it says it is number ${body.number}`);
  return { hash, body };
}

export function linkOf(hash: string, body: CommitBody): Link {
  return {
    name: commitName(body.number, hash),
    number: body.number,
    hash,
    previous: body.previous,
    final: body.account !== undefined,
  };
}

/** What a set of commits comes to. */
export interface Chain {
  /** From number 1 to the head. */
  readonly links: readonly Link[];
  /** Other commits with the head's number whose chain is just as valid. */
  readonly rivals: readonly Link[];
}

/**
 * The longest chain that begins at the job's header and has no commit behind a final one. Among equally long ones a final one
 * is preferred, then the smaller hash, so that everybody chooses the same.
 */
export function longestChain(links: Iterable<Link>, headerHash: string): Chain {
  const byNumber = new Map<number, Link[]>();
  for (const link of links) {
    const same = byNumber.get(link.number);
    if (same === undefined) byNumber.set(link.number, [link]);
    else same.push(link);
  }
  const attached: Map<string, Link>[] = [];
  let open = new Set([headerHash]);
  for (let number = 1; open.size > 0; number++) {
    const here = (byNumber.get(number) ?? []).filter((link) => open.has(link.previous));
    if (here.length === 0) break;
    attached.push(new Map(here.map((link) => [link.hash, link])));
    open = new Set(here.filter((link) => !link.final).map((link) => link.hash));
  }
  const last = [...(attached.at(-1)?.values() ?? [])].sort(
    (a, b) => Number(b.final) - Number(a.final) || (a.hash < b.hash ? -1 : 1),
  );
  const chain: Link[] = [];
  let at = last[0];
  for (let depth = attached.length - 1; at !== undefined; depth--) {
    chain.push(at);
    at = depth === 0 ? undefined : attached[depth - 1]?.get(at.previous);
  }
  return { links: chain.reverse(), rivals: last.slice(1) };
}
