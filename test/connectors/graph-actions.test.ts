import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { intentOn, listed, rowOf } from './conformance.ts';
import { FOLDER, type GraphStore, graphStore, QUARANTINE } from './graph-store.ts';

const signal = new AbortController().signal;
const evil = { location: 'dir/evil' };
const at = (text: string) => Buffer.from(text);
const marks = (store: GraphStore, kind: string) =>
  [...store.fake.library.contents().keys()].filter((path) => path.startsWith(`${QUARANTINE}/.${kind}/`));

describe('item actions on a drive', () => {
  let store: GraphStore;
  beforeEach(async () => {
    store = await graphStore();
    await store.put(at('dir/evil'), at('evil bytes'));
  });
  afterEach(() => store.close());

  test.each(['move', 'delete'] as const)('%s goes on when somebody changes a column meanwhile', async (action) => {
    const intent = await intentOn(store.connector, evil, action);
    // The last change of the action is the one on the item itself.
    store.front.treat = ({ method, headers }) => {
      if (headers['if-match'] === undefined || method === 'GET') return 'pass';
      store.front.calm();
      store.fake.library.touch(`${FOLDER}/dir/evil`);
      return 'pass';
    };
    expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'done', code: 'applied' });
    const refused = store.fake.requests.filter(({ status }) => status === 412);
    expect(refused.length).toBe(1);
  });

  test.each(['move', 'delete'] as const)('%s of what others change again and again is given up', async (action) => {
    const intent = await intentOn(store.connector, evil, action);
    store.front.treat = ({ headers }) => {
      if (headers['if-match'] !== undefined) store.fake.library.touch(`${FOLDER}/dir/evil`);
      return 'pass';
    };
    expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'failed', code: 'storage_error' });
    expect([...(await store.contents()).keys()]).toEqual(['dir/evil']);
    expect(marks(store, 'deleted')).toEqual([]);
  });

  test.each(['move', 'delete'] as const)(
    '%s of what somebody has open is refused, and leaves no mark',
    async (action) => {
      const intent = await intentOn(store.connector, evil, action);
      store.fake.library.lock(`${FOLDER}/dir/evil`);
      expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'refused', code: 'leased' });
      expect(marks(store, 'deleted')).toEqual([]);
      store.fake.library.lock(`${FOLDER}/dir/evil`, false);
      expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'done', code: 'applied' });
    },
  );

  test('a deletion lies in the recycle bin, is marked, and says so', async () => {
    const intent = await intentOn(store.connector, evil, 'delete');
    const report = await store.connector.act(intent, signal);
    expect(report.note).toMatch(/recycle bin/);
    expect(store.fake.library.recycleBin().map(({ bytes }) => bytes.toString())).toEqual(['evil bytes']);
    const [mark, ...more] = marks(store, 'deleted');
    expect(more).toEqual([]);
    const written = JSON.parse(String(store.fake.library.contents().get(mark as string)));
    expect(written).toMatchObject({ deleted: 'dir/evil', finding: intent.finding, provenance: intent.provenance });
  });

  test('a mark of an attempt that died proves nothing while the item is there, wherever it is', async () => {
    const intent = await intentOn(store.connector, evil, 'delete');
    const { connector, died } = store.dying(3);
    await Promise.race([connector.act(intent, signal), died]);
    expect(marks(store, 'deleted').length).toBe(1);
    store.fake.library.move(`${FOLDER}/dir/evil`, 'out of the asset');
    expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'failed', code: 'not_found' });
  });

  test('a move says what went along, and nothing in the library is copied', async () => {
    const { id, cTag } = store.fake.library.facts(`${FOLDER}/dir/evil`) ?? {};
    const intent = await intentOn(store.connector, evil, 'move');
    const report = await store.connector.act(intent, signal);
    expect(report.destination).toBe(`${QUARANTINE}/${intent.destination}`);
    expect(report.note).toMatch(/sharing links/);
    expect(store.fake.library.facts(report.destination as string)).toMatchObject({ id, cTag });
    expect(await listed(store.connector)).toEqual([]);
  });

  test('an item of a folder that was renamed since it was judged is acted on', async () => {
    for (const action of ['move', 'delete'] as const) {
      await store.put(at(`${action}/evil`), at('evil bytes'));
      const intent = await intentOn(store.connector, { location: `${action}/evil` }, action, `job-1/${action}`);
      store.fake.library.move(`${FOLDER}/${action}`, `${FOLDER}/renamed ${action}`);
      const report = await store.connector.act(intent, signal);
      expect(report).toMatchObject({ state: 'done', code: 'applied' });
      expect(await store.connector.act(intent, signal)).toEqual({ ...report, code: 'already_applied' });
    }
    expect([...(await store.contents()).keys()]).toEqual(['dir/evil']);
  });

  test('restore makes a folder anew that is gone, and says so', async () => {
    const intent = await intentOn(store.connector, evil, 'move');
    const row = rowOf(intent, await store.connector.act(intent, signal));
    await store.remove(at('dir'));
    const report = await store.connector.restore(row, signal);
    expect(report).toMatchObject({ state: 'done', code: 'applied', destination: 'dir/evil' });
    expect(report.note).toMatch(/made anew/);
    expect((await store.contents()).get('dir/evil')?.toString()).toBe('evil bytes');
  });

  test('restore refuses other bytes than were moved, and another item under the name', async () => {
    const intent = await intentOn(store.connector, evil, 'move');
    const row = rowOf(intent, await store.connector.act(intent, signal));
    const kept = `${QUARANTINE}/${intent.destination}`;
    store.fake.library.overwrite(kept, 'other bytes');
    expect(await store.connector.restore(row, signal)).toMatchObject({ state: 'refused', code: 'version_changed' });
    store.fake.library.put(kept, 'evil bytes');
    expect(await store.connector.restore(row, signal)).toMatchObject({ state: 'failed', code: 'not_found' });
    expect(await store.contents()).toEqual(new Map());
  });

  test('tags are refused', async () => {
    for (const action of ['tag', 'movetag'] as const) {
      const intent = { ...(await intentOn(store.connector, evil, 'move')), action };
      expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'failed', code: 'not_supported' });
      expect(await store.connector.check(action, signal)).toMatchObject({ ok: false });
    }
  });

  test('asked to slow down, an action says so, and is done once it is repeated', async () => {
    const intent = await intentOn(store.connector, evil, 'move');
    store.front.atChange(2, store.answers.throttled);
    await expect(store.connector.act(intent, signal)).rejects.toMatchObject({ code: 'throttled', retryAfterMs: 2_000 });
    store.front.calm();
    expect(await store.connector.act(intent, signal)).toMatchObject({ state: 'done' });
  });
});
