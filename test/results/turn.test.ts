import { expect, it } from 'vitest';
import type { Outcome } from '../../domain/outcome.ts';
import { type Ledger, openLedgerStore } from '../../ledger/ledger.ts';
import type { ResultMessage } from '../../results/message.ts';
import { BATCH } from '../../results/reader.ts';
import { type Sink, SinkError } from '../../results/sink.ts';
import { deliverTurn, type TurnReport } from '../../results/turn.ts';
import { buildJob } from '../ledger/fixture.ts';
import { createMemoryStore } from '../ledger/memory-store.ts';

const PAGE: readonly Outcome[] = Array.from({ length: 700 }, (_, n) => (n % 7 === 0 ? 'clean' : 'malicious'));
const turn = { turnMs: 400, mayGoOn: async () => undefined, signal: new AbortController().signal };

/** A ledger with two jobs, and a sink that is older than both. */
async function ledgerOf(): Promise<Ledger> {
  const ledger = await openLedgerStore(createMemoryStore());
  await ledger.results.write('s', 0, { format: 1, floor: '2026-01-01T00:00:00.000Z', open: [], done: [], sent: 0 });
  for (const job of ['job-a', 'job-b']) await buildJob(ledger.job(job), { pages: [PAGE, PAGE, PAGE] });
  return ledger;
}

class Receiver implements Sink {
  readonly id = 's';
  readonly send: Sink['send'];
  receiver = 'one';
  readonly ids: string[] = [];
  readonly batches: string[] = [];
  readonly #answer: (call: number) => SinkError | undefined;
  calls = 0;

  constructor(send: Sink['send'], answer: (call: number) => SinkError | undefined = () => undefined) {
    this.send = send;
    this.#answer = answer;
  }

  async deliver(id: string, batch: readonly ResultMessage[]): Promise<void> {
    expect(batch.length).toBeLessThanOrEqual(BATCH);
    this.batches.push(id);
    this.calls += 1;
    const refusal = this.#answer(this.calls);
    if (refusal !== undefined) throw refusal;
    this.ids.push(...batch.map((message) => message.id));
  }

  of(job: string): string[] {
    return this.ids.filter((id) => id.startsWith(`${job}/`) && !id.includes('#'));
  }
}

/** Turn after turn, until everything was sent. */
async function untilSent(ledger: Ledger, sink: Sink): Promise<TurnReport> {
  for (;;) {
    const report = await deliverTurn(ledger, sink, turn);
    if (report.behind === 0 && report.failure === undefined) return report;
  }
}

/** Every outcome of a page set, in the order of the items. */
function wanted(job: string, send: Sink['send']): string[] {
  return [0, 1, 2].flatMap((page) =>
    PAGE.flatMap((outcome, n) => (send === 'all' || outcome === 'malicious' ? [`${job}/0-${page}:${n}`] : [])),
  );
}

it.each(['findings', 'all'] as const)('sends %s once, in order, in batches, and nothing again', async (send) => {
  const ledger = await ledgerOf();
  const sink = new Receiver(send);
  expect(await untilSent(ledger, sink)).toMatchObject({ sent: sink.ids.length });
  for (const job of ['job-a', 'job-b']) expect(sink.of(job)).toEqual(wanted(job, send));
  expect(new Set(sink.batches).size).toBe(sink.batches.length);
  const before = sink.calls;
  await deliverTurn(ledger, sink, turn);
  expect(sink.calls).toBe(before);
});

it('goes on behind what was taken, however often the receiver is away', async () => {
  const ledger = await ledgerOf();
  const sink = new Receiver('findings', (call) =>
    call % 2 === 0 ? new SinkError('sink_unreachable', 'away') : undefined,
  );
  await untilSent(ledger, sink);
  for (const job of ['job-a', 'job-b']) expect(sink.of(job)).toEqual(wanted(job, 'findings'));
});

it('stops when the receiver wants no more, and begins again for another one', async () => {
  const ledger = await ledgerOf();
  const gone = new Receiver('findings', (call) => (call === 2 ? new SinkError('sink_gone', '410') : undefined));
  const report = await deliverTurn(ledger, gone, turn);
  expect(report).toMatchObject({ failure: { code: 'sink_gone' }, stopped: expect.any(String) });
  await deliverTurn(ledger, gone, turn);
  expect(gone.calls).toBe(2);
  const other = new Receiver('findings');
  other.receiver = 'two';
  await untilSent(ledger, other);
  const both = (job: string) => [...new Set([...gone.of(job), ...other.of(job)])];
  for (const job of ['job-a', 'job-b']) expect(both(job)).toEqual(wanted(job, 'findings'));
});

it('a sink that is new gets what begins from then on', async () => {
  const ledger = await openLedgerStore(createMemoryStore());
  await buildJob(ledger.job('job-a'), { pages: [PAGE] });
  const sink = new Receiver('all');
  expect(await deliverTurn(ledger, sink, turn)).toEqual({ sent: 0, behind: 0 });
  expect(sink.calls).toBe(0);
});

it('two senders do not overwrite each other’s place', async () => {
  const ledger = await ledgerOf();
  const { number, cursor } = (await ledger.results.read('s')) ?? { number: 0, cursor: undefined };
  if (cursor === undefined) throw new Error('no place');
  await ledger.results.write('s', number, { ...cursor, sent: 1 });
  await expect(ledger.results.write('s', number, { ...cursor, sent: 2 })).rejects.toMatchObject({ code: 'conflict' });
});
