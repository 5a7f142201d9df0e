import { type Command, InvalidArgumentError } from 'commander';
import { createLogUpdate } from 'log-update';
import { type ApiClient, ApiError, type Named } from '../../api/client.ts';
import type { EstimateResource } from '../../api/contract.ts';
import { parseSeconds } from '../../domain/duration.ts';
import { EXIT } from '../errors.ts';
import { filterText } from '../job/filter-text.ts';
import { inProcess, namedOf, targetText, withTarget } from '../job/storage.ts';
import type { Output } from '../render/output.ts';
import { estimateLine, estimateText } from '../render/storage.ts';
import { styleOf } from '../render/style.ts';
import { type Surroundings, sizeArgument } from './scan.ts';

/** Milliseconds between two questions, and between two lines of progress where they are not redrawn in place. */
const ASK_MS = 500;
const LINE_MS = 5_000;
/** The API may be away for so long. Milliseconds. */
const GIVE_UP_MS = 60_000;
const LONGEST_SECONDS = 3_600;

interface EstimateOptions {
  readonly filter?: string;
  readonly filterFrom?: string;
  /** Bytes. */
  readonly maxSize?: number;
  /** Seconds. */
  readonly maxTime?: number;
  readonly json?: boolean;
}

export function register(program: Command): void {
  program
    .command('estimate')
    .description('count what a scan would list, by listing it; Ctrl-C stops it and prints what was counted')
    .argument('<folder or connector>', 'a path (with a /, or of something that exists), else the id of a connector')
    .option('--filter <text>', 'try this filter (default: everything; for a connector, its own)')
    .option('--filter-from <file>', 'read the filter from a file (- for stdin)')
    .option('--max-size <bytes>', 'as of dsx scan', sizeArgument)
    .option('--max-time <time>', 'count for so long at most, as 30s, 10m or 1h (default: 10m)', timeArgument)
    .option('--json', 'progress and the estimate as NDJSON on stdout')
    .action((target: string, options: EstimateOptions) => inProcess((here) => estimate(target, options, here)));
}

/** @throws CliError */
export async function estimate(text: string, options: EstimateOptions, here: Surroundings): Promise<number> {
  const { output, interrupts } = here;
  const filter = await filterText(options, here.cwd);
  const { maxSize, maxTime, json = false } = options;
  return withTarget(text, here, async (client, target) => {
    const named = namedOf(target);
    const body = {
      ...(filter !== undefined && { filter }),
      ...(maxSize !== undefined && { maxSize }),
      ...(maxTime !== undefined && { maxSeconds: maxTime }),
    };
    const interrupted = Promise.withResolvers<'stop'>();
    interrupts.onChange(() => interrupted.resolve('stop'));
    const begun = await client.startEstimate(named, body);
    const progress = json ? jsonProgress(output) : textProgress(output);
    let ended: EstimateResource;
    try {
      ended = await follow(client, named, begun, interrupted.promise, progress.show);
    } finally {
      progress.close();
    }
    if (json) output.out(JSON.stringify({ type: 'estimate', ...ended }));
    else output.out(estimateText(targetText(target), ended, styleOf(output.stdout)));
    return exitOf(ended);
  });
}

/** To its end, which an interrupt brings about at once. An API that is away for a moment is waited for. */
async function follow(
  client: ApiClient,
  named: Named,
  begun: EstimateResource,
  interrupted: Promise<'stop'>,
  show: (now: EstimateResource) => void,
): Promise<EstimateResource> {
  const { estimate: id } = begun;
  let heard = performance.now();
  try {
    for (let now = begun; ; ) {
      if (now.state !== 'running') return now;
      if ((await Promise.race([pause(ASK_MS), interrupted])) === 'stop') return await client.stopEstimate(named, id);
      try {
        now = await client.estimate(named, id);
        heard = performance.now();
        show(now);
      } catch (error) {
        const passing = error instanceof ApiError && (error.status === 0 || error.status >= 500);
        if (!passing || performance.now() - heard > GIVE_UP_MS) throw error;
      }
    }
  } catch (error) {
    // Nobody would look at it any more.
    await client.stopEstimate(named, id).catch(() => undefined);
    throw error;
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Progress {
  show(now: EstimateResource): void;
  close(): void;
}

function jsonProgress(output: Output): Progress {
  let last = '';
  return {
    show(now) {
      const line = JSON.stringify({ type: 'progress', ...now });
      if (now.state === 'running' && line !== last) output.out(line);
      last = line;
    },
    close: () => undefined,
  };
}

/** On stderr: one line redrawn in place on a terminal, else a line every 5 s. */
function textProgress(output: Output): Progress {
  if (!output.stderr.isTTY || process.env.TERM === 'dumb') {
    let last = performance.now();
    return {
      show(now) {
        if (performance.now() - last < LINE_MS || now.state !== 'running') return;
        last = performance.now();
        output.err(estimateLine(now));
      },
      close: () => undefined,
    };
  }
  const draw = createLogUpdate(output.stderr);
  return {
    show: (now) => draw(estimateLine(now)),
    close() {
      draw.clear();
      draw.done();
    },
  };
}

function exitOf({ state, gaps }: EstimateResource): number {
  if (state === 'failed') return EXIT.failed;
  if (state === 'stopped') return EXIT.cancelled;
  return state === 'completed' && gaps === 0 ? EXIT.ok : EXIT.gaps;
}

function timeArgument(text: string): number {
  const seconds = parseSeconds(text);
  if (seconds !== undefined && seconds >= 1 && seconds <= LONGEST_SECONDS) return seconds;
  throw new InvalidArgumentError('A length of time up to 1h, as 30s, 10m or 1h.');
}
