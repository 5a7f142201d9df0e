import { type EventMark, slotOf } from '../../domain/intake.ts';
import { createHandOver } from '../../intake/hand-over.ts';
import { createMarks } from '../../intake/marks.ts';
import { onAccessWorkflowId, QUERY } from '../../workflows/messages.ts';
import type { Recorded, Stage } from './stage.ts';

const SETTINGS = { filter: '', action: 'nothing', dryRun: false, scanner: 'standin' } as const;

/** Events, a repeat, other settings (a second job), and a cancel; the workflow goes on. */
export async function onAccess(stage: Stage): Promise<Recorded> {
  const { plant } = stage;
  const source = { kind: 'folder', id: 'folder-watched', path: stage.folder('watched', 20) } as const;
  const workflowId = onAccessWorkflowId(source.id, 0);
  const handOver = createHandOver(plant.client);
  const handle = plant.client.workflow.getHandle(workflowId);
  const mark = createMarks('recorded');
  const slot = slotOf(Date.now());
  let n = 0;
  const send = async (locations: readonly string[], filter: string): Promise<void> => {
    const ref = { slot, writer: '00000000000000aa', n: ++n };
    const lines = locations.map((location) => {
      const event = { id: location, location, version: 'v1', at: '2026-01-01T00:00:00Z' };
      return { event, mark: mark(source.id, event).mark as EventMark };
    });
    await plant.ledger.intake.write({ source: source.id, shard: 0 }, ref, lines);
    await handOver({
      start: { source, shard: 0, settings: { ...SETTINGS, filter } },
      ref,
      marks: lines.map((line) => line.mark),
    });
  };
  const until = async (
    check: (progress: {
      job: string;
      listed: number;
      state: string;
      pages: { listed: number; closed: number };
    }) => boolean,
  ) => {
    for (;;) {
      const progress = await handle.query<Parameters<typeof check>[0]>(QUERY.progress).catch(() => undefined);
      if (progress !== undefined && check(progress)) return progress;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  await send(['d0000/f000001.txt', 'd0000/f000002.txt', 'd0000/f000001.txt'], '');
  const first = await until(({ listed, pages }) => listed === 3 && pages.closed === pages.listed);
  await send(['d0000/f000003.txt'], '*.txt');
  const second = await until(({ job, listed, pages }) => job !== first.job && listed === 1 && pages.closed === 1);
  await handle.signal('cancel', { job: second.job, actor: 'test' });
  await until(({ state }) => state === 'cancelled');
  return { workflowId };
}
