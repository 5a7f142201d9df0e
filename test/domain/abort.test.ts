import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { apart, onAbort } from '../../domain/abort.ts';

const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;

describe('those who are to be told of an abort', () => {
  it('are told once, in the order they came, with the reason, unless they left', () => {
    const controller = new AbortController();
    const told: string[] = [];
    const join = (name: string) =>
      onAbort(controller.signal, { abort: (reason) => told.push(`${name}: ${String(reason)}`) });
    join('first');
    const left = join('second');
    join('third');
    left.leave();
    left.leave();
    controller.abort('enough');
    controller.abort('again');
    expect(told).toEqual(['first: enough', 'third: enough']);
  });

  it('are not told when another one who is told has them leave', () => {
    const controller = new AbortController();
    const told: string[] = [];
    onAbort(controller.signal, {
      abort: () => {
        told.push('first');
        second.leave();
      },
    });
    const second = onAbort(controller.signal, { abort: () => told.push('second') });
    controller.abort();
    expect(told).toEqual(['first']);
  });

  it('have one listener together, and none once all have left', () => {
    const { signal } = new AbortController();
    const seats = Array.from({ length: 50 }, () => onAbort(signal, { abort: () => undefined }));
    expect(listeners(signal)).toBe(1);
    for (const seat of seats) seat.leave();
    expect(listeners(signal)).toBe(0);
    const again = onAbort(signal, { abort: () => undefined });
    expect(listeners(signal)).toBe(1);
    seats[0]?.leave();
    expect(listeners(signal)).toBe(1);
    again.leave();
    expect(listeners(signal)).toBe(0);
  });
});

describe('work under a signal of its own', () => {
  it('is told of the abort, with the reason', async () => {
    const controller = new AbortController();
    const work = apart(controller.signal, (own) => {
      return new Promise((_, reject) => own.addEventListener('abort', () => reject(own.reason)));
    });
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(work).rejects.toBe(reason);
  });

  it('does not begin under an aborted signal', async () => {
    let began = false;
    const work = apart(AbortSignal.abort(new Error('before')), async () => {
      began = true;
    });
    await expect(work).rejects.toThrow('before');
    expect(began).toBe(false);
  });

  it('leaves nothing on the signal, however it ends', async () => {
    const { signal } = new AbortController();
    const listening = async (own: AbortSignal) => own.addEventListener('abort', () => undefined);
    await apart(signal, listening);
    await expect(apart(signal, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(listeners(signal)).toBe(0);
  });
});
