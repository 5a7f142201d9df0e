import { createLogUpdate } from 'log-update';
import type { JobResource } from '../../api/contract.ts';
import { accountText, SHOWN_FINDINGS } from '../render/account.ts';
import type { Output } from '../render/output.ts';
import { progressLine, progressLines, stateText } from '../render/progress.ts';
import { styleOf } from '../render/style.ts';
import { createRates, type Rates } from './figures.ts';
import type { Reporter } from './reporter.ts';

const REDRAW_MS = 250;
/** Milliseconds between two plain lines; the first comes at once. */
const LINE_MS = 5_000;

/** For a person: progress and remarks on stderr (redrawn in place on a terminal, else a line every 5 s), the account on stdout. */
export function createTextReporter(output: Output): Reporter {
  return base(output, output.stderr.isTTY && process.env.TERM !== 'dumb' ? liveDisplay(output) : lineDisplay(output));
}

interface Display {
  show(job: JobResource): void;
  note(line: string): void;
  close(): void;
}

function base(output: Output, display: Display): Reporter {
  return {
    wanted: SHOWN_FINDINGS,
    started: (job, joined) =>
      display.note(joined ? `joined job ${job}, which already runs with the same settings` : `job ${job}`),
    progress: (job) => display.show(job),
    finding() {},
    note: (line) => display.note(line),
    account(job, findings) {
      display.close();
      output.out(accountText(job, findings, styleOf(output.stdout)));
    },
    detached(job, watch) {
      display.close();
      output.out(`job ${job} goes on without this terminal; watch it with: ${watch}`);
    },
    close: () => display.close(),
  };
}

function liveDisplay(output: Output): Display {
  const draw = createLogUpdate(output.stderr);
  const rates = createRates();
  let shown: { job: JobResource; rates: Rates } | undefined;
  let open = true;
  const redraw = (): void => {
    if (!open || shown === undefined || !output.stderr.writable) return;
    draw(progressLines(shown.job, shown.rates, styleOf(output.stderr), new Date()).join('\n'));
  };
  const timer = setInterval(redraw, REDRAW_MS);
  timer.unref();
  return {
    show(job) {
      const first = shown === undefined;
      shown = { job, rates: rates.add(job, Date.now()) };
      if (first) redraw();
    },
    note(line) {
      if (open && shown !== undefined) draw.persist(line);
      else output.err(line);
    },
    close() {
      if (!open) return;
      open = false;
      clearInterval(timer);
      if (shown !== undefined) draw.clear();
      draw.done();
    },
  };
}

function lineDisplay(output: Output): Display {
  const rates = createRates();
  let shown: { job: JobResource; rates: Rates } | undefined;
  let last = Number.NEGATIVE_INFINITY;
  const print = (): void => {
    if (shown === undefined) return;
    last = performance.now();
    output.err(progressLine(shown.job, shown.rates, new Date()));
  };
  const timer = setInterval(() => performance.now() - last >= LINE_MS - 50 && print(), LINE_MS);
  timer.unref();
  return {
    show(job) {
      const changed = shown !== undefined && stateText(shown.job) !== stateText(job);
      shown = { job, rates: rates.add(job, Date.now()) };
      if (changed || performance.now() - last >= LINE_MS) print();
    },
    note: (line) => output.err(line),
    close: () => clearInterval(timer),
  };
}
