import type { SchedulePreview, ScheduleResource, ScheduleRuns } from '../../api/contract.ts';
import { RUN_OUTCOMES } from '../../domain/schedule/schedule.ts';
import { limitsText, momentText } from './limits.ts';
import { visible } from './names.ts';
import type { Style } from './style.ts';
import { counted } from './units.ts';
import { padEnd } from './width.ts';

/** One line a schedule. */
export function schedulesText(schedules: readonly ScheduleResource[], style: Style): string {
  if (schedules.length === 0)
    return 'no schedules yet; make one with: dsx schedule create ID --connector CONNECTOR --cron "30 2 * * *"';
  const width = Math.max(...schedules.map(({ id }) => id.length));
  const where = Math.max(...schedules.map(({ connector }) => connector.length));
  return schedules
    .map((schedule) => {
      const { id, connector, when, managed } = schedule;
      const file = managed === 'file' ? style.faint(' (kept in dsx-connect.yaml)') : '';
      return `${style.strong(padEnd(id, width))}  ${padEnd(connector, where)}  ${visible(when)}  ${stateText(schedule, style)}${file}`;
    })
    .join('\n');
}

function stateText({ paused, note, running, next: [first] }: ScheduleResource, style: Style): string {
  const run = running.length > 0 ? 'a run goes on' : undefined;
  if (paused)
    return style.warn([`paused${note === undefined ? '' : `: ${visible(note)}`}`, run].filter(Boolean).join('; '));
  const next = first === undefined ? 'no time comes any more' : `next ${momentText(first)}`;
  return [run === undefined ? undefined : style.good(run), next].filter(Boolean).join('; ');
}

/** All about one schedule: what it starts, when it comes next, and what became of the last times. */
export function scheduleText(schedule: ScheduleResource, { runs, counts }: ScheduleRuns, style: Style): string {
  const { id, connector, mode, when, overlap, scan, limits, weight, managed, revision, createdBy, next } = schedule;
  const settings = Object.entries(scan).map(([name, value]) => `${name} ${visible(String(value))}`);
  const kept = managed === 'file' ? 'kept in dsx-connect.yaml' : `made by ${visible(createdBy)}`;
  const { overlapped, missed } = schedule.counts;
  const outcomes = RUN_OUTCOMES.filter((outcome) => counts[outcome] > 0).map(
    (outcome) => `${counts[outcome]} ${outcome}`,
  );
  const lines = [
    `${style.strong(id)}  ${mode} scan of ${connector}, ${kept}, revision ${revision}`,
    `when        ${visible(when)}`,
    `state       ${stateText(schedule, style)}`,
    `overlap     ${overlap === 'skip' ? 'a time that comes during a run is left out' : 'one time that comes during a run is kept for later'}`,
    ...(settings.length === 0 ? [] : [`settings    ${settings.join(', ')}`]),
    ...(limits === undefined ? [] : [`limits      ${limitsText(limits)}`]),
    ...(weight === undefined ? [] : [`weight      ${weight}`]),
    `runs        ${outcomes.join(', ') || 'none yet'}${overlapped > 0 ? `; ${counted(overlapped, 'time')} left out during a run` : ''}${missed > 0 ? `; ${counted(missed, 'time')} missed` : ''}`,
    ...runs.map((run) => `  ${runText(run, style)}`),
    ...nextLines(next),
  ];
  return lines.join('\n');
}

function runText(run: ScheduleRuns['runs'][number], style: Style): string {
  const { at, outcome, job, state, running, detail } = run;
  const how =
    running && outcome !== 'waiting' ? `${outcome}, runs` : `${outcome}${state === undefined ? '' : `, ${state}`}`;
  const bad = outcome === 'failed' || outcome === 'skipped' || state === 'failed';
  const why = detail === undefined ? '' : `: ${visible(detail)}`;
  return `${momentText(at)}  ${bad ? style.warn(how) : how}${job === undefined ? '' : `  ${job}`}${why}`;
}

/** The next times of a schedule that is not made yet. */
export function previewText({ id, when, next }: SchedulePreview): string {
  return [`${id} would start scans by ${visible(when)}; nothing was made`, ...nextLines(next)].join('\n');
}

function nextLines(next: readonly string[]): string[] {
  return next.length === 0 ? [] : ['next', ...next.map((at) => `  ${at.slice(0, 19).replace('T', ' ')}Z ${dayOf(at)}`)];
}

function dayOf(at: string): string {
  return ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][new Date(at).getUTCDay()] ?? '';
}
