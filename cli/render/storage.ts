import type { AssetList, CheckAnswer, ConnectorResource, EstimateResource, PreviewAnswer } from '../../api/contract.ts';
import { visible, visibleLocation } from './names.ts';
import type { Style } from './style.ts';
import { bytes, count, counted, duration } from './units.ts';
import { padEnd, padStart } from './width.ts';

/** Rows in columns, the last one as long as it is. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, i) => {
        if (right.includes(i)) return padStart(cell, widths[i] ?? 0);
        return i === row.length - 1 ? cell : padEnd(cell, widths[i] ?? 0);
      })
      .join('  '),
  );
}

export function connectorsTable(connectors: readonly ConnectorResource[], style: Style): string {
  const rows = connectors.map(({ id, kind, site = '-', action, asset, watched, watchState }) => {
    const watch = watchState ?? (watched === true ? 'yes' : '-');
    return [id, kind, site, action, watch, visible(asset)];
  });
  const [head = '', ...lines] = table([['CONNECTOR', 'KIND', 'SITE', 'ACTION', 'WATCH', 'ASSET'], ...rows]);
  return [style.strong(head), ...lines].join('\n');
}

export function checkText(what: string, { ok, checks }: CheckAnswer, style: Style): string {
  const lines = checks.map(
    (check) => `${check.ok ? style.good('ok  ') : style.bad('FAIL')} ${visible(check.name)}: ${visible(check.detail)}`,
  );
  const failed = checks.filter((check) => !check.ok).length;
  return [...lines, `${what}: ${ok ? 'all is well' : `${failed} of ${counted(checks.length, 'check')} failed`}`].join(
    '\n',
  );
}

export function assetsText(assets: AssetList['assets']): string {
  return table(assets.map(({ asset, detail }) => [visible(asset), detail === undefined ? '' : visible(detail)]))
    .map((line) => line.trimEnd())
    .join('\n');
}

export function previewText(what: string, preview: PreviewAnswer, style: Style): string {
  const { items, leftOut, gaps, filter } = preview;
  const shown = table(
    items.map((item) => {
      const { size, notScanned: why } = item;
      const told = why === undefined ? '' : `  ${style.warn(`${why.outcome}: ${visible(why.reason)}`)}`;
      return [`  ${size === undefined ? '-' : bytes(size)}`, `${visibleLocation(item)}${told}`];
    }),
    [0],
  );
  const filtered = leftOut.map(({ location, why, rule }) => {
    const reason = why === 'excluded' ? `excluded by ${visible(rule ?? '')}` : 'not included';
    return `  ${visible(location)}  ${style.faint(reason)}`;
  });
  const unreadable = gaps.map(({ location, detail }) => `  ${visible(location)}  ${style.bad(visible(detail))}`);
  return [
    style.strong(`${what}${filter === '' ? '' : `, filter ${visible(filter)}`}`),
    ...(items.length === 0 ? ['  no item'] : shown),
    ...(filtered.length === 0 ? [] : ['left out by the filter on the way:', ...filtered]),
    ...(unreadable.length === 0 ? [] : ['folders that can not be listed:', ...unreadable]),
    previewEnd(preview),
  ].join('\n');
}

function previewEnd({ items, more, partial, outside, seconds }: PreviewAnswer): string {
  const rest = more
    ? '; a scan would list more'
    : partial
      ? '; the time was up before more were found'
      : ', and no more';
  const entries = outside === 1 ? 'entry' : 'entries';
  const met = outside === 0 ? '' : `; ${count(outside)} ${entries} outside the filter so far`;
  return `${counted(items.length, 'item')}${rest}${met} (${duration(seconds)})`;
}

/** One line while it is counted. */
export function estimateLine({ items, bytes: size, requests, seconds }: EstimateResource): string {
  if (items === 0 && requests === 0) return 'counting: no worker has told anything yet';
  return `counting: ${counted(items, 'item')}, ${bytes(size)}, ${counted(requests, 'request')}, ${duration(seconds)}`;
}

export function estimateText(what: string, estimate: EstimateResource, style: Style): string {
  const { items, scanItems, scanBytes, notScanned, outside, gaps, requests, seconds } = estimate;
  const others = Object.entries(notScanned).map(([reason, n]) => `${count(n)} ${visible(reason.replace('/', ': '))}`);
  const unknown = gaps === 0 ? [] : [style.warn(`folders that can not be listed: ${count(gaps)}`)];
  return [
    style.strong(`${what}: ${counted(items, 'item')}, ${bytes(estimate.bytes)}`),
    `to be scanned: ${counted(scanItems, 'item')}, ${bytes(scanBytes)}`,
    ...(others.length === 0 ? [] : [`listed, but not scanned: ${others.join(', ')}`]),
    `outside the filter, as far as the listing met it: ${count(outside)}`,
    ...unknown,
    `the listing took ${counted(requests, 'request')} to the storage and ${duration(seconds)}`,
    ...ending(estimate, style),
  ].join('\n');
}

/** What was counted is not all. */
function ending({ state, failure }: EstimateResource, style: Style): string[] {
  if (state === 'stopped') return [style.warn('partial: it was stopped; there is more')];
  if (state === 'out_of_time') return [style.warn('partial: the time was up; there is more (--max-time)')];
  if (state === 'running') return [style.warn('partial: it still runs')];
  if (state !== 'failed') return [];
  return [
    style.bad(`partial: the listing failed: ${visible(failure?.code ?? '')}: ${visible(failure?.message ?? '')}`),
  ];
}
