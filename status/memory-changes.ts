import { type Change, type ChangeLog, comparePlaces, FIRST_PLACE, KEPT_CHANGES } from './changes.ts';

type Unplaced<T> = T extends Change ? Omit<T, 'id'> : never;

/** As `redisChanges`, within this process. */
export function memoryChanges(): ChangeLog & { add(change: Unplaced<Change>): void } {
  let kept: Change[] = [];
  let next = 1;
  let dropped = false;
  return {
    add(change) {
      kept.push({ ...structuredClone(change), id: `${next}-0` } as Change);
      next += 1;
      if (kept.length < KEPT_CHANGES * 1.1) return;
      kept = kept.slice(-KEPT_CHANGES);
      dropped = true;
    },
    changePlace: async () => kept.at(-1)?.id ?? FIRST_PLACE,
    async changes(after, limit) {
      const known = after === FIRST_PLACE ? !dropped : kept.some(({ id }) => id === after);
      const behind = kept.filter(({ id }) => comparePlaces(id, after) > 0);
      return { kept: known, changes: structuredClone(behind.slice(0, limit)) };
    },
  };
}
