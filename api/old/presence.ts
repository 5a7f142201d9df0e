import type { RemoteState } from '../../domain/remote.ts';
import type { RedisCommand } from '../auth/nonces.ts';

/** A connector heartbeats every 60 s; one that was not heard of for so long is gone. Seconds. */
export const PRESENT_SECONDS = 180;

/** A heartbeat. */
export interface Heartbeat {
  readonly present: boolean;
  readonly status?: RemoteState;
  /** ISO 8601. */
  readonly lastSeen?: string;
}

/** Which remote connectors are there: in Redis for all processes together, without it as far as this process heard. Never rejects. */
export interface Presence {
  seen(uuid: string, status: RemoteState): Promise<void>;
  gone(uuid: string): Promise<void>;
  of(uuid: string): Promise<Heartbeat>;
}

export function createPresence(command: RedisCommand | undefined, prefix = 'dsx'): Presence {
  const here = new Map<string, { readonly status: RemoteState; readonly at: number }>();
  const key = (uuid: string) => `${prefix}:remote:${uuid}`;
  const told = async (words: readonly string[]): Promise<unknown> => {
    return await command?.(words).catch(() => undefined);
  };
  return {
    async seen(uuid, status) {
      const at = Date.now();
      here.set(uuid, { status, at });
      await told(['SET', key(uuid), JSON.stringify({ status, at }), 'EX', String(PRESENT_SECONDS)]);
    },
    async gone(uuid) {
      here.delete(uuid);
      await told(['DEL', key(uuid)]);
    },
    async of(uuid) {
      const found = await told(['GET', key(uuid)]);
      const last =
        typeof found === 'string' ? (JSON.parse(found) as { status: RemoteState; at: number }) : here.get(uuid);
      if (last === undefined) return { present: false };
      const present = Date.now() - last.at < PRESENT_SECONDS * 1000;
      return { present, status: last.status, lastSeen: new Date(last.at).toISOString() };
    },
  };
}
