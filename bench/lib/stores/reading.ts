import type { Connector, ListScope } from '../../../connectors/connector.ts';
import type { Item } from '../../../domain/item.ts';

/** A way to list a folder and to read all that lies in it, so many at once. @returns objects and bytes that were read */
export type Reading = (
  folder: string,
  runners: number,
) => Promise<{ readonly objects: number; readonly bytes: number }>;

/** By names that `list` gives and `read` takes. */
export function bareReading(
  list: (folder: string) => AsyncIterable<string>,
  read: (name: string) => Promise<number>,
): Reading {
  return async (folder, runners) => {
    const names: string[] = [];
    for await (const name of list(folder)) names.push(name);
    return { objects: names.length, bytes: await sum(runners, names, read) };
  };
}

/** By a connector, as a scan does. */
export function connectorReading(connector: Connector): Reading {
  return async (folder, runners) => {
    const items = await listed(connector, folder);
    return { objects: items.length, bytes: await sum(runners, items, (item) => readWhole(connector, item)) };
  };
}

const signal = new AbortController().signal;

async function listed(connector: Connector, below: string): Promise<Item[]> {
  const scope: ListScope = {
    includes: (location) => location.startsWith(below),
    mayEnter: (folder) => folder.startsWith(below),
  };
  const listing = connector.list(scope, undefined);
  const items: Item[] = [];
  for (let events = await listing.nextBatch(1_000, signal); events.length > 0; ) {
    for (const event of events) if (event.kind === 'item') items.push(event.item);
    events = await listing.nextBatch(1_000, signal);
  }
  await listing.close();
  return items;
}

async function readWhole(connector: Connector, item: Item): Promise<number> {
  const open = await connector.open(item, signal);
  let bytes = 0;
  try {
    for await (const chunk of open.read(signal)) bytes += chunk.length;
    await open.confirm();
    return bytes;
  } finally {
    await open.close();
  }
}

async function sum<T>(runners: number, items: readonly T[], read: (item: T) => Promise<number>): Promise<number> {
  let total = 0;
  await atOnce(runners, items, async (item) => {
    const bytes = await read(item);
    total += bytes;
  });
  return total;
}

/** Does the work on all items, so many of them at once. */
export async function atOnce<T>(runners: number, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const runner = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) await work(items[at] as T);
  };
  await Promise.all(Array.from({ length: runners }, runner));
}
