import { expect, it } from 'vitest';
import { Solitude } from '../../activities/scan-page/solitude.ts';

it('lets an item be alone once all others have left, one after the other, and then lets others in again', async () => {
  const room = new Solitude();
  const said: string[] = [];
  room.enter();
  room.enter();
  const first = room.alone(async (isAlone) => {
    said.push(`first ${isAlone}`);
  });
  const second = room.alone(async (isAlone) => {
    said.push(`second ${isAlone}`);
  });
  expect(room.closed).toBeDefined();
  room.leave();
  await Promise.resolve();
  expect(said).toEqual([]);
  room.leave();
  await Promise.all([first, second]);
  expect(said).toEqual(['first true', 'second true']);
  expect(room.closed).toBeUndefined();
});

it('does not wait for ever for those who stay, and says that they are there', async () => {
  const room = new Solitude();
  room.enter();
  expect(await room.alone(async (isAlone) => isAlone, 10)).toBe(false);
});
