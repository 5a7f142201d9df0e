import type { NativeConnection } from '@temporalio/worker';
import { SEARCH_ATTRIBUTE } from '../workflows/messages.ts';

/** Temporal's number of the type KEYWORD. */
const KEYWORD = 2;

/** Registers the search attributes that are missing in the namespace. Repeating it is harmless. */
export async function registerSearchAttributes(connection: NativeConnection, namespace: string): Promise<void> {
  const known = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = Object.values(SEARCH_ATTRIBUTE).filter((name) => known.customAttributes?.[name] === undefined);
  if (missing.length === 0) return;
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map((name) => [name, KEYWORD])),
  });
}
