import { Context } from '@temporalio/activity';
import type { Connector } from '../../connectors/connector.ts';
import { ConnectorError } from '../../connectors/errors.ts';
import { countRows, isFinding } from '../../domain/outcome.ts';
import { countReplaced } from '../../domain/retry.ts';
import { FULL_SHARE } from '../../domain/shares.ts';
import { LEDGER_CODES, LedgerError } from '../../ledger/errors.ts';
import { connectorOf } from '../asset.ts';
import type { WorkerDeps } from '../deps.ts';
import { policyOf } from '../policy.ts';
import type { Checkpoint, ScanPageInput, ScanPageResult } from '../types.ts';
import { WORKER_NAME } from '../worker-name.ts';
import { writerOf } from '../writer.ts';
import { closePage } from './close-page.ts';
import { PageRun } from './page-run.ts';
import { PageTurn, type Stop } from './page-turn.ts';

/**
 * Scans the items of one page, from its checkpoint on, and closes it with a segment; or hands it back with a checkpoint.
 * Nothing that is written down is ever done again.
 */
export function createScanPage(deps: WorkerDeps): (input: ScanPageInput) => Promise<ScanPageResult> {
  return async (input) => {
    const context = Context.current();
    const beaten = context.info.heartbeatDetails as Checkpoint | undefined;
    const checkpoint = beaten ?? input.checkpoint;
    const ledger = deps.ledger.job(input.job);
    const index = await ledger.readIndex(input.index);
    const entry = index.pages.find((p) => p.page === input.page);
    if (entry === undefined)
      throw new LedgerError('corrupt', input.index.name, `Index ${input.index.name} does not name page ${input.page}.`);
    const items = await ledger.readPage(entry.object);
    // An attempt that follows another one follows a death, even one that no beat was sent before.
    const run = new PageRun(input.page, items, checkpoint, context.info.attempt > 1 && beaten?.calm !== true);
    const writer = writerOf(context.info);
    let connector: Connector;
    try {
      connector = await connectorOf(deps, input, context.cancellationSignal);
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.code !== 'unreachable') throw error;
      return handedBack(run, { why: 'blocked', code: error.code, detail: error.message });
    }
    const turn = new PageTurn(run, {
      ledger,
      writer,
      connector,
      scanner: deps.scanner(input.settings.scanner),
      allowed: deps.allowed,
      password: deps.scanPassword(input.source),
      maxSize: input.settings.maxSize,
      policy: await policyOf(deps, input.source, input.settings.scanner),
      job: input.job,
      fingerprint: input.fingerprint,
      cancelled: context.cancellationSignal,
      live: input.live === true,
      share: input.share ?? FULL_SHARE,
      patienceMs: deps.patienceMs,
    });
    const live = deps.live.open(
      input.job,
      input.page,
      () => run.counters(),
      () => run.inHand,
    );
    try {
      const stop = await turn.run();
      if (!run.complete) return handedBack(run, stop);
      try {
        const { segment, rows } = await closePage(ledger, run, writer);
        const findings = rows.filter((row) => isFinding(row.outcome));
        await deps.announce(input.job, findings);
        if (input.live === true)
          await deps.memory.judged({ source: input.source.id, scanner: input.settings.scanner }, rows);
        const result = {
          page: input.page,
          listing: entry.object,
          items: items.length,
          segment,
          counters: countRows(rows),
          ...(input.retry === true && { replaced: countReplaced(items) }),
        };
        return { end: 'closed', result, worker: WORKER_NAME };
      } catch (error) {
        if (!(error instanceof LedgerError) || LEDGER_CODES[error.code] !== 'hold') throw error;
        return handedBack(run, { why: 'blocked', code: `ledger_${error.code}`, detail: error.message });
      }
    } finally {
      live.close();
      await turn.end();
    }
  };
}

/** The page as it is safely written down, and why it came back. */
function handedBack(run: PageRun, stop: Stop | undefined): ScanPageResult {
  const checkpoint = run.checkpoint(true);
  if (stop?.why === 'blocked') {
    return { end: 'blocked', checkpoint, code: stop.code, detail: stop.detail, worker: WORKER_NAME };
  }
  return { end: 'open', checkpoint, why: stop?.why === 'turn' ? 'turn' : 'cancelled', worker: WORKER_NAME };
}
