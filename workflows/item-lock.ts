import { condition, defineSignal, setHandler } from '@temporalio/workflow';
import { ITEM_LOCK } from './messages.ts';

const releaseSignal = defineSignal<[owner: string]>(ITEM_LOCK.release);

/** The lock of one item, by its id, until the work that began it says that it is done. Nothing else is done here. */
export async function itemLock(owner: string): Promise<void> {
  let released = false;
  setHandler(releaseSignal, (by) => {
    if (by === owner) released = true;
  });
  await condition(() => released);
}
