import type { Asset } from '../connectors/connector.ts';
import type { LeftOut, PreviewItem } from '../domain/preview.ts';
import { type Answer, answerToken, parseAnswerToken } from '../ledger/answers.ts';
import { isLedgerError } from '../ledger/errors.ts';
import type { ObjectRef } from '../ledger/types.ts';
import type { AssetList, PreviewAnswer } from './contract.ts';
import type { ApiDeps } from './deps.ts';
import type { ListRequest } from './list-request.ts';
import { ApiProblem } from './problems.ts';

/**
 * The answer that an activity wrote into the ledger.
 * @throws ApiProblem `storage_failed` when it says that the storage gave none; LedgerError
 */
export async function readAnswer(deps: ApiDeps, ref: ObjectRef): Promise<Answer> {
  const answer = await (await deps.ledger.open()).answers.read(ref);
  const failed = answer.facts.failed as { code: string; message: string } | undefined;
  if (failed === undefined) return answer;
  throw new ApiProblem('storage_failed', failed.message, { extra: { reason: failed.code } });
}

type PreviewLine = { item?: PreviewItem; leftOut?: LeftOut; gap?: PreviewAnswer['gaps'][number] };

export function previewAnswer({ source, settings }: ListRequest, { facts, lines }: Answer): PreviewAnswer {
  const all = lines as readonly PreviewLine[];
  return {
    source,
    filter: settings.filter,
    items: all.flatMap(({ item }) => item ?? []),
    leftOut: all.flatMap(({ leftOut }) => leftOut ?? []),
    gaps: all.flatMap(({ gap }) => gap ?? []),
    outside: facts.outside as number,
    more: facts.more as boolean,
    partial: facts.partial as boolean,
    seconds: facts.seconds as number,
  };
}

export function assetList(ref: ObjectRef, { facts, lines }: Answer): AssetList {
  return { assets: lines as Asset[], ...(facts.next !== undefined && { next: answerToken(ref) }) };
}

/** The page of assets that a token stands for. @throws ApiProblem `request_invalid` when it is none of this connector, or too old */
export async function pageBefore(deps: ApiDeps, connector: string, token: string): Promise<ObjectRef> {
  const ref = parseAnswerToken(token);
  try {
    const facts = ref === undefined ? {} : (await (await deps.ledger.open()).answers.read(ref)).facts;
    if (ref !== undefined && facts.kind === 'assets' && facts.source === connector && facts.next !== undefined) {
      return ref;
    }
  } catch (error) {
    if (!isLedgerError(error, 'not_found') && !isLedgerError(error, 'corrupt')) throw error;
  }
  throw new ApiProblem(
    'request_invalid',
    'query: after: it is the next of no page of this connector, or older than an hour; begin without it.',
  );
}
