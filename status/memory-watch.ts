import { type WatchHealth, type WatchLive, withLive } from '../domain/watch.ts';
import { WATCH_LIVE_MS, type WatchStatus } from './status.ts';

/** As `redisWatch`, within this process. */
export function memoryWatch(now: () => number, changed: (connector: string) => void): WatchStatus {
  const watches = new Map<string, WatchHealth>();
  const lives = new Map<string, { readonly live: WatchLive; readonly until: number }>();
  return {
    async publishWatch(health) {
      const have = watches.get(health.connector);
      const older = have !== undefined && (have.startedAt > health.startedAt || isAhead(have, health));
      if (!older) {
        watches.set(health.connector, structuredClone(health));
        if (have?.startedAt !== health.startedAt || have.revision !== health.revision) changed(health.connector);
      }
      return !older;
    },
    async publishWatchLive(connector, live) {
      lives.set(connector, { live: structuredClone(live), until: now() + WATCH_LIVE_MS });
    },
    async watch(connector) {
      const health = watches.get(connector);
      const told = lives.get(connector);
      return health && withLive(health, told && told.until > now() ? told.live : undefined);
    },
    async forgetWatch(connector) {
      watches.delete(connector);
      lives.delete(connector);
    },
  };
}

function isAhead(have: WatchHealth, health: WatchHealth): boolean {
  return have.startedAt === health.startedAt && have.revision > health.revision;
}
