import { describe, expect, it } from 'vitest';
import { deliveriesOf, withRepeats } from '../../bench/lib/burst/deliveries.ts';
import { judge } from '../../bench/lib/burst/judge.ts';
import { Resender } from '../../bench/lib/burst/resender.ts';
import type { SignedSender } from '../../bench/lib/events/signed-sender.ts';
import type { OutcomeRow } from '../../domain/outcome.ts';

const locations = Array.from({ length: 1_000 }, (_, i) => `f-${i}`);
const answering = (...answers: (number | Error)[]): SignedSender =>
  ({
    async send() {
      const answer = answers.shift() ?? 200;
      if (typeof answer === 'number') return answer;
      throw answer;
    },
  }) as unknown as SignedSender;

describe('a burst of events', () => {
  it('tells every file, a tenth of the deliveries twice, and not in order', () => {
    const deliveries = deliveriesOf(locations, 10, true);
    const sent = withRepeats(deliveries, 10);
    expect(deliveries).toHaveLength(100);
    expect(sent).toHaveLength(110);
    expect(new Set(sent.flat().map(({ location }) => location)).size).toBe(1_000);
    expect(new Set(sent).size).toBe(100);
    expect(sent[0]?.[0]?.location).not.toBe('f-0');
  });

  it('sends again what is not acknowledged, and not what is refused', async () => {
    const one = [{ location: 'a' }];
    const cut = Object.assign(new Error('cut'), { code: 'ECONNRESET' });
    const sent = new Resender(answering(cut, 503, 429, 409));
    await sent.send([one], 0, performance.now() + 10_000);
    expect([...sent.acknowledged]).toEqual(['a']);
    expect([...sent.answers.keys()]).toEqual(['ECONNRESET', '503', '429', '409']);
    const refused = new Resender(answering(403));
    await refused.send([one], 0, performance.now() + 10_000);
    expect(refused.acknowledged.size).toBe(0);
    expect(refused.answers.get('403')).toBe(1);
  });

  it('finds what has no judged row, and tells what the kill excuses from what it does not', async () => {
    const hashes = new Map(['a', 'b', 'c', 'd'].map((name) => [name, `hash of ${name}`]));
    const sent = new Resender(answering());
    await sent.send([[...hashes.keys()].map((location) => ({ location }))], 0, performance.now() + 10_000);
    const row = (location: string, judged: boolean) =>
      ({ location, ...(judged && { judged: { version: {}, size: 1 } }) }) as unknown as OutcomeRow;
    const rows = [row('a', true), row('b', true), row('c', true), row('d', false)];
    const at = 10_000;
    const scans = new Map([
      ['hash of a', [at - 50, at + 3_000]],
      ['hash of b', [at - 60, at - 20]],
      ['hash of c', [at - 50, at + 3_000, at + 4_000]],
    ]);
    const strikes = { at, bound: 600, underWay: 0, apiBack: 0, workerBack: 0 };
    const found = judge({ locations: [...hashes.keys()], hashes }, sent, rows, scans, strikes);
    expect(found).toEqual({ missing: 1, twice: 2, oftener: 1, inHand: 1, otherwise: 2, most: 3 });
  });
});
