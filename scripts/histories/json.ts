import type { History } from '@temporalio/common/lib/proto-utils.js';
import proto from '@temporalio/proto';

const Type = proto.temporal.api.history.v1.History;

export interface HistoryJson {
  readonly events: readonly unknown[];
}

/** A history as plain JSON: numbers of 64 bits as text, bytes in base64, enums by name. */
export function historyToJson(history: History): HistoryJson {
  const { events } = Type.toObject(Type.fromObject(history), { longs: String, enums: String, bytes: String });
  return { events: (events ?? []) as unknown[] };
}

/** The history that `historyToJson` made this of. */
export function historyFromJson(json: HistoryJson): History {
  return Type.fromObject(json as Parameters<typeof Type.fromObject>[0]);
}
