import { createClient, ErrorReply } from 'redis';
import { messageOf } from '../domain/errors.ts';
import { StatusUnavailable } from './errors.ts';

/** Answers that time out in a row before the connection is given up and made anew (a peer that is gone without a word). */
const TIMEOUTS_BEFORE_NEW = 3;
const LONGEST_RECONNECT_MS = 2_000;
const QUEUE_LIMIT = 1_000;

/** PEM; without `ca` the authorities of the system are trusted. */
export interface RedisTls {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

export interface RedisLinkOptions {
  /** How long one command may take, in milliseconds. */
  readonly commandTimeoutMs: number;
  /** How long `openRedisLink` waits for the first connection, in milliseconds; it goes on in the background after that. */
  readonly connectTimeoutMs: number;
  /** For `rediss://`. */
  readonly tls?: RedisTls;
  /** Told once when the connection is lost, with the reason, and once when it is back. Never given the address's password. */
  readonly say: (event: 'down' | 'up', detail: string) => void;
}

type Client = ReturnType<typeof newClient>;

/** A connection to Redis that answers at once or fails at once, and mends itself in the background. */
export interface RedisLink {
  /** Runs a Lua script. @throws StatusUnavailable */
  script(lua: string, keys: readonly string[], args: readonly string[]): Promise<unknown>;
  /** One command. @throws StatusUnavailable */
  command(words: readonly string[]): Promise<unknown>;
  close(): Promise<void>;
}

function newClient(url: string, options: RedisLinkOptions) {
  return createClient({
    url,
    name: 'dsx-connect',
    disableOfflineQueue: true,
    commandsQueueMaxLength: QUEUE_LIMIT,
    maintNotifications: 'disabled',
    socket: {
      ...(options.tls !== undefined && { tls: true as const, ...options.tls }),
      connectTimeout: Math.max(options.connectTimeoutMs, 1_000),
      reconnectStrategy: (retries) =>
        Math.min(50 * 2 ** Math.min(retries, 6), LONGEST_RECONNECT_MS) * (0.75 + Math.random() / 2),
    },
  });
}

/** Opens a link; resolves also when Redis is not there yet. @throws StatusUnavailable `status_config` for an address that can't work. */
export async function openRedisLink(url: string, options: RedisLinkOptions): Promise<RedisLink> {
  const shown = withoutPassword(url);
  let reason = 'not connected yet';
  let up: boolean | undefined;
  let timeouts = 0;
  let closed = false;

  const start = (): { client: Client; ready: Promise<void> } => {
    const made = newClient(url, options);
    made.on('error', (error) => {
      reason = messageOf(error);
      if (up !== false && !closed) options.say('down', reason);
      up = false;
    });
    made.on('ready', () => {
      if (up !== true) options.say('up', shown);
      up = true;
      timeouts = 0;
    });
    // The strategy never gives up; what ends this promise otherwise is our own close, or an error that was already told.
    const ready = made.connect().then(
      () => undefined,
      () => undefined,
    );
    return { client: made, ready };
  };

  let client: Client;
  try {
    if (!/^rediss?:$/.test(new URL(url).protocol)) throw new Error('it must begin with redis:// or rediss://');
    const first = start();
    client = first.client;
    await within(first.ready, options.connectTimeoutMs);
  } catch (cause) {
    throw new StatusUnavailable('status_config', `REDIS_URL ${shown} can't be used: ${messageOf(cause)}`, { cause });
  }

  async function run(what: (client: Client) => Promise<unknown>): Promise<unknown> {
    const used = client;
    if (closed || !used.isReady) throw new StatusUnavailable('status_down', `Redis at ${shown}: ${reason}`);
    const late = Symbol('late');
    try {
      const answer = await within(what(used), options.commandTimeoutMs, late);
      if (answer !== late) {
        timeouts = 0;
        return answer;
      }
    } catch (cause) {
      if (cause instanceof ErrorReply) {
        throw new StatusUnavailable('status_refused', `Redis at ${shown} refused: ${messageOf(cause)}`, { cause });
      }
      throw new StatusUnavailable('status_down', `Redis at ${shown}: ${messageOf(cause)}`, { cause });
    }
    timeouts += 1;
    if (timeouts >= TIMEOUTS_BEFORE_NEW && used === client && !closed) {
      timeouts = 0;
      reason = 'it stopped answering';
      if (up !== false) options.say('down', reason);
      up = false;
      used.destroy();
      client = start().client;
    }
    throw new StatusUnavailable(
      'status_timeout',
      `Redis at ${shown} did not answer within ${options.commandTimeoutMs} ms`,
    );
  }

  return {
    script: (lua, keys, args) => run((c) => c.eval(lua, { keys: [...keys], arguments: [...args] })),
    command: (words) => run((c) => c.sendCommand([...words])),
    async close() {
      if (closed) return;
      closed = true;
      if (client.isReady) await within(client.close(), options.commandTimeoutMs).catch(() => undefined);
      if (client.isOpen) client.destroy();
    },
  };
}

/** The promise's value, or `late` when it took longer than `ms`. A failure that comes too late is swallowed. */
async function within<T, L>(promise: Promise<T>, ms: number, late?: L): Promise<T | L | undefined> {
  let timer: NodeJS.Timeout | undefined;
  promise.catch(() => undefined);
  try {
    return await Promise.race([
      promise,
      new Promise<L | undefined>((resolve) => {
        timer = setTimeout(() => resolve(late), ms);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}

function withoutPassword(url: string): string {
  try {
    const parsed = new URL(url);
    return `${parsed.protocol}//${parsed.host}${parsed.pathname === '/' ? '' : parsed.pathname}`;
  } catch {
    return '(not a URL)';
  }
}
