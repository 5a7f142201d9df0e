import { condition, defineSignal, setHandler } from '@temporalio/workflow';
import { ITEM_HOLD } from './messages.ts';

const releaseSignal = defineSignal<[holder: string]>(ITEM_HOLD.release);

/** Holds one item, by its id, until the work that began it says that it is done. Nothing else is done here. */
export async function itemHold(holder: string): Promise<void> {
  let released = false;
  setHandler(releaseSignal, (by) => {
    if (by === holder) released = true;
  });
  await condition(() => released);
}
