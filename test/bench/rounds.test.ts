import { describe, expect, it } from 'vitest';
import { inRounds, middleOf, ratioOf } from '../../bench/lib/rounds.ts';

describe('costs in rounds', () => {
  it('are taken in an order that turns', async () => {
    const order: string[] = [];
    const run = (name: string) => async () => {
      order.push(name);
      return { seconds: order.length, cpu: 1 };
    };
    const costs = await inRounds(3, new Map(['bare', 'ours'].map((name) => [name, run(name)])));
    expect(order).toEqual(['bare', 'ours', 'ours', 'bare', 'bare', 'ours']);
    expect(costs.get('bare')).toEqual([1, 4, 5].map((seconds) => ({ seconds, cpu: 1 })));
    expect(costs.get('ours')).toEqual([2, 3, 6].map((seconds) => ({ seconds, cpu: 1 })));
  });

  it('are compared within their round, so that a slow one tells nothing', () => {
    const cost = (seconds: number) => ({ seconds, cpu: seconds / 2 });
    const bare = [1, 10, 1.1, 0.9, 1].map(cost);
    const ours = [1, 10, 1, 1, 2].map(cost);
    const { median, low, high } = ratioOf('seconds', bare, ours);
    expect(median).toBeCloseTo(1);
    expect(low).toBeCloseTo(0.9);
    expect(high).toBeCloseTo(1);
    expect(ratioOf('cpu', bare, ours).median).toBeCloseTo(1);
    expect(middleOf(bare)).toEqual({ seconds: 1, cpu: 0.5 });
  });
});
