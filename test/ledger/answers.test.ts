import { expect, test } from 'vitest';
import { answerToken, createAnswers, isAnswer, parseAnswerToken } from '../../ledger/answers.ts';
import { openLedgerStore } from '../../ledger/ledger.ts';
import { createMemoryStore } from './memory-store.ts';

const answer = { facts: { kind: 'preview', more: true }, lines: [{ item: { location: 'a\nb' } }, 'é', null] };

test('what was written is read, by its reference or its token', async () => {
  const answers = createAnswers(createMemoryStore());
  const ref = await answers.write(answer);
  expect(await answers.read(ref)).toEqual(answer);
  const token = answerToken(ref);
  expect(token).toMatch(/^[0-9a-f]{96}$/);
  expect(parseAnswerToken(token)).toEqual(ref);
  expect((await answers.write(answer)).name).not.toBe(ref.name);
});

test.each(['', 'a'.repeat(95), 'a'.repeat(97), `../${'a'.repeat(93)}`, 'A'.repeat(96), `${'a'.repeat(95)}/`])(
  '%j is no token',
  (token) => {
    expect(parseAnswerToken(token)).toBeUndefined();
  },
);

test('nothing but answers is read, and only with the bytes that the reference stands for', async () => {
  const store = createMemoryStore();
  const ledger = await openLedgerStore(store);
  const { name, hash } = await ledger.answers.write(answer);
  for (const other of ['ledger.json', 'job-1/job.json', `_answers/../${name}`, '_answers/x']) {
    expect(isAnswer({ name: other, hash })).toBe(false);
    await expect(ledger.answers.read({ name: other, hash })).rejects.toMatchObject({ code: 'invalid' });
  }
  await expect(ledger.answers.read({ name, hash: '0'.repeat(64) })).rejects.toMatchObject({ code: 'corrupt' });
  store.objects.delete(name);
  await expect(ledger.answers.read({ name, hash })).rejects.toMatchObject({ code: 'not_found' });
});

test('old answers are swept, others and what is no answer stay; they are no jobs', async () => {
  let now = 1_000;
  const store = createMemoryStore(() => now);
  const ledger = await openLedgerStore(store);
  await ledger.answers.write(answer);
  await store.put('_answers/mine.txt', Buffer.from('x'));
  now = 2_000;
  const kept = await ledger.answers.write(answer);
  for await (const folder of ledger.folders()) expect(folder).toBe('none');
  expect(await ledger.starts()).toEqual([]);
  expect(await ledger.answers.sweep(2_000)).toBe(1);
  expect(await ledger.answers.sweep(2_000)).toBe(0);
  expect(await ledger.answers.read(kept)).toEqual(answer);
  expect([...store.objects.keys()].filter((name) => name.startsWith('_answers/')).sort()).toEqual(
    [kept.name, '_answers/mine.txt'].sort(),
  );
});
