import type { StartJobAnswer } from '../../api/contract.ts';
import { EXIT } from '../errors.ts';
import type { Interrupts } from './interrupts.ts';
import type { Occasion } from './occasion.ts';
import type { Reporter } from './reporter.ts';
import { followAndTell } from './tell.ts';

/** How a job that was just started is followed. */
export interface Following {
  readonly detach: boolean;
  readonly reporter: Reporter;
  readonly interrupts: Interrupts;
  readonly say: (line: string) => void;
}

/** Follows a job that was just started to its end, or leaves it running; returns the exit code. @throws CliError */
export async function tellToTheEnd(
  occasion: Occasion,
  { job, joined, repeated }: Pick<StartJobAnswer, 'job' | 'joined' | 'repeated'>,
  { detach, reporter, interrupts, say }: Following,
): Promise<number> {
  if (repeated === true) say(`this idempotency key stands for job ${job}: nothing was started`);
  reporter.started(job, joined);
  if (detach && interrupts.count() === 0) {
    occasion.keep();
    reporter.detached(job, `dsx watch ${job}`);
    reporter.close();
    if (occasion.ours) say('the stack stays up for it; stop it with: dsx down');
    return EXIT.ok;
  }
  const onInterrupt = joined ? 'detach' : 'cancel';
  const told = await followAndTell({ client: occasion.client, job, reporter, interrupts, onInterrupt }).catch(
    (error: unknown) => {
      // The scan may still run: what it runs on is not taken away from it.
      if (occasion.ours) {
        occasion.keep();
        say('the stack stays up for the scan; stop it with: dsx down');
      }
      throw error;
    },
  );
  if (told.ending.kind === 'detached') {
    occasion.keep();
    if (joined) say(`another request had started this scan, so it goes on; to end it: dsx cancel ${job}`);
    if (occasion.ours) say('the stack stays up for it; stop it with: dsx down');
  }
  return told.exit;
}
