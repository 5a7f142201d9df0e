import { writeEnded, writeRunning } from '../../status/rebuild.ts';
import { rebuildAnswer } from '../answer-schemas.ts';
import type { RebuildAnswer } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { ApiProblem } from '../problems.ts';
import { type Route, route } from '../route.ts';

/** Behind every job of the ledger. */
const END = { startedAt: '', job: '' };

/** Rebuilds the status at once, whether or not an orchestrator does so too: every write is one that a newer one beats. */
export function rebuildRoutes(deps: ApiDeps): readonly Route[] {
  let underWay: Promise<RebuildAnswer> | undefined;

  async function rebuild(): Promise<RebuildAnswer> {
    const { status } = deps;
    if (status === undefined) {
      throw new ApiProblem('status_unavailable', 'REDIS_URL is not set: there is no status to rebuild.');
    }
    const from = performance.now();
    const epoch = await status.epoch();
    const sources = deps.control.sources(await deps.ledger.open());
    const { running, unanswered, findings } = await writeRunning(status, sources);
    const rest = await writeEnded(status, sources, { onStep: async () => !deps.stopping.aborted });
    if (!rest.whole) throw new ApiProblem('stopping', 'This server is stopping. Ask again.');
    await status.noteRebuild({ epoch, place: END, done: true });
    deps.log.info({ running: running.size, ended: rest.ended }, 'the status was rebuilt on request');
    return {
      running: running.size,
      ended: rest.ended,
      findings: findings + rest.findings,
      unanswered,
      seconds: Math.round(performance.now() - from) / 1000,
    };
  }

  return [
    route({
      method: 'POST',
      path: '/jobs/rebuild',
      summary: 'Writes the status in Redis anew, from the workflows and the ledger.',
      role: 'admin',
      answers: { 200: rebuildAnswer },
      problems: ['status_unavailable', 'temporal_unreachable', 'ledger_unavailable', 'stopping'],
      handle: async () => {
        // Who asks while one is under way gets the answer of that one.
        underWay ??= rebuild().finally(() => {
          underWay = undefined;
        });
        return { status: 200, body: await underWay };
      },
    }),
  ];
}
