import { failed } from '../../action-stop.ts';
import type { ActionReport } from '../../connector.ts';
import { isElsewise } from '../failures.ts';
import { added, tagsOf } from './record.ts';
import { type ActionWork, notJudged } from './work.ts';

/** Others may change the metadata at the same time: so often it is looked at anew. */
const TRIES = 5;

/** `tag`: custom metadata, beside what is there. The generation stays, so the item keeps its version. */
export async function tagItem(work: ActionWork): Promise<ActionReport> {
  const { intent, objects, at, signal } = work;
  const tags = tagsOf(intent);
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const source = await objects.find(at, signal);
    if (source?.generation !== intent.judged.version) return notJudged(work, source);
    const has = source.metadata ?? {};
    if (Object.entries(tags).every(([name, value]) => has[name] === value)) {
      return { state: 'done', code: 'already_applied' };
    }
    added(has, tags);
    try {
      await objects.describe(at, source, tags, signal);
      return { state: 'done', code: 'applied' };
    } catch (error) {
      if (!isElsewise(error)) throw error;
    }
  }
  throw failed('storage_error', 'its metadata changed at every attempt');
}
