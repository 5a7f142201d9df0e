import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { WorkerDeps } from '../activities/deps.ts';
import { createPlanPages } from '../activities/plan-pages.ts';
import { policyOf } from '../activities/policy.ts';
import type { PlannedTurn, PlanPagesInput } from '../activities/types.ts';
import type { Connector } from '../connectors/connector.ts';
import { createFilesystemConnector } from '../connectors/filesystem/connector.ts';
import { noActions } from '../domain/action.ts';
import { addCounters, countRows, noCounters, type OutcomeRow, rowHead } from '../domain/outcome.ts';
import { openLedger } from '../ledger/ledger.ts';
import { corpus } from './lib/corpus.ts';
import { benchHome } from './lib/plant.ts';

const PAGES = 50;
const WRITER = { run: 'bench', activity: 'scan', attempt: 1 };
const SCANNER = { identity: 'http://127.0.0.1 entity default' } as ReturnType<WorkerDeps['scanner']>;

/**
 * `dsx bench incremental [files] [rounds]`: planning alone, of a folder in which nothing changed: as a full scan, and as an incremental
 * one beside an ordered ledger, and beside a table in memory (as for storages that list in no order). Median items a second.
 */
export default async function incremental(args: readonly string[]): Promise<number> {
  const files = Number(args[0] ?? 200_000);
  const rounds = Number(args[1] ?? 3);
  const folder = await corpus(benchHome(), files, 512);
  const home = await mkdtemp(path.join(tmpdir(), 'dsx-bench-incremental-'));
  try {
    const ledger = await openLedger(path.join(home, 'ledger'));
    const id = 'folder-bench';
    const connector = createFilesystemConnector({ id, asset: folder, exclude: [] });
    const unordered = listsInNoOrder(connector);
    const deps = (one: Connector): WorkerDeps => {
      const used = { ledger, connector: async () => one, scanner: () => SCANNER, scanPassword: () => undefined };
      return { ...used, pageItems: 5_000, pageBytes: 2 ** 30 } as unknown as WorkerDeps;
    };
    const { dev, ino } = await stat(folder);
    const input = (job: string, more: object): PlanPagesInput => ({
      job,
      source: { kind: 'folder', id, path: folder },
      settings: { filter: '', action: 'nothing', dryRun: false, scanner: 'dsxa', ...more },
      fingerprint: `${dev}:${ino}`,
      lane: 0,
      epoch: 0,
      firstPage: 0,
      pages: PAGES,
      pageItems: 500,
    });
    const skips = { incremental: true, rescanAfter: 86_400 };
    await writeBase(deps(connector), input('base', {}));
    const rates: Record<string, number[]> = { full: [], ordered: [], table: [] };
    for (let round = 0; round < rounds; round++) {
      for (const [name, one, more] of [
        ['full', connector, {}],
        ['ordered', connector, skips],
        ['table', unordered, skips],
      ] as const) {
        const began = performance.now();
        const { items, unannounced } = await plan(deps(one), input(`${name}-${round}`, more));
        const rate = items / ((performance.now() - began) / 1000);
        rates[name]?.push(rate);
        if (items !== files || unannounced > 0)
          throw new Error(`${name}: ${items} items, ${unannounced} not unchanged`);
        const rss = Math.round(process.memoryUsage.rss() / 2 ** 20);
        console.log(`${name.padEnd(8)} ${Math.round(rate).toLocaleString('en').padStart(9)} items/s  ${rss} MiB`);
      }
    }
    for (const [name, all] of Object.entries(rates)) console.log(`median ${name}: ${Math.round(median(all))} items/s`);
    return median(rates.ordered ?? []) >= 20_000 && median(rates.table ?? []) >= 20_000 ? 0 : 1;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

function listsInNoOrder(connector: Connector): Connector {
  return new Proxy(connector, {
    get(target, name) {
      if (name === 'capabilities') return { ...target.capabilities, ordered: false };
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Plans to the end, turn by turn. */
async function plan(deps: WorkerDeps, first: PlanPagesInput) {
  const turns: PlannedTurn[] = [];
  for (let done = false; !done; ) {
    const last = turns.at(-1);
    const firstPage = turns.reduce((sum, { pages }) => sum + pages, 0);
    const pageItems = last?.pageItems ?? first.pageItems;
    const input = { ...first, firstPage, pageItems, ...(last !== undefined && { after: last.index }) };
    const turn = (await new MockActivityEnvironment().run(createPlanPages(deps), input)) as PlannedTurn;
    turns.push(turn);
    done = turn.done;
  }
  const items = turns.reduce((sum, turn) => sum + turn.items, 0);
  const unannounced = turns.reduce((sum, { incremental }) => sum + (incremental?.unannounced ?? 0), 0);
  return { turns, items, unannounced };
}

/** A scan in which everything was clean, as workers write it. */
async function writeBase(deps: WorkerDeps, input: PlanPagesInput): Promise<void> {
  const { source, settings, job: id, fingerprint = '' } = input;
  const job = deps.ledger.job(id);
  const startedAt = new Date().toISOString();
  const header = { format: 1 as const, job: id, kind: 'full' as const, source, settings, actor: 'bench', startedAt };
  let { hash: previous } = await job.writeHeader(header);
  const { turns } = await plan(deps, input);
  const policy = await policyOf(deps, source, settings.scanner);
  let counters = noCounters();
  let listedBytes = 0;
  for (const [number, { index, done }] of turns.entries()) {
    const pages = [];
    for (const entry of (await job.readIndex(index)).pages) {
      const items = await job.readPage(entry.object);
      const at = new Date().toISOString();
      const rows = items.map(
        (item, ordinal): OutcomeRow => ({
          ...rowHead(entry.page, ordinal, item),
          outcome: 'clean',
          judged: { version: item.version ?? '', size: item.size ?? 0 },
          sha256: randomUUID().replaceAll('-', '').repeat(2),
          verdict: { verdict: 'Benign', fileType: 'Data' },
          scanner: { name: 'dsxa', standIn: false, scanId: randomUUID(), engineMicros: 812, policy },
          attempts: 1,
          at,
        }),
      );
      const segment = await job.writeSegment(entry.page, rows, WRITER);
      counters = addCounters(counters, countRows(rows));
      listedBytes += entry.bytes;
      pages.push({ page: entry.page, listing: entry.object, items: items.length, segment, counters: countRows(rows) });
    }
    const account = {
      state: 'completed' as const,
      listed: counters.outcomes.clean,
      listedBytes,
      listingDone: true,
      outside: 0,
      counters,
      actions: noActions(),
      gaps: [],
      endedAt: new Date().toISOString(),
      fingerprint,
    };
    const body = { format: 1 as const, job: id, number: number + 1, previous, indexes: [index], pages, actions: [] };
    previous = (await job.writeCommit({ ...body, counters, ...(done && { account }) })).hash;
  }
}

function median(of: readonly number[]): number {
  return [...of].sort((a, b) => a - b)[Math.floor(of.length / 2)] ?? Number.NaN;
}
