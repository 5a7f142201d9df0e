/** How the stand-in behaves. Everything has a default; `config` of the control plane changes some of it while it runs. */
export interface StandinOptions {
  /** Default 127.0.0.1: nobody else is to take it for a scanner. */
  readonly host?: string;
  /** Default 0: any free one. */
  readonly port?: number;
  /** When set, requests must carry it. */
  readonly token?: string;
  /** Which headers must carry the token. Default `either`. */
  readonly tokenIn?: 'either' | 'both' | 'AUTH' | 'AUTH_TOKEN';
  /** Entities that exist. Undefined: any. */
  readonly entities?: readonly number[];
  /** Time that one scan takes a worker, in milliseconds. Default 0: answers at once. */
  readonly latencyMs?: number;
  /** More of it for each MiB. Default 0. */
  readonly latencyPerMibMs?: number;
  /** Scans that run at once; the others wait in the queue. Default: any number. */
  readonly workers?: number;
  /** Scans that may wait for a worker; one more is refused with 503. Default: any number. */
  readonly queue?: number;
  /** Largest body, in bytes. Default 2 GiB. */
  readonly maxBytes?: number;
  /** For so long after its start it says that it is initializing. Default 0. */
  readonly startupMs?: number;
  /** Idle connections are closed after it. Default 2000, as gunicorn does. */
  readonly keepAliveMs?: number;
  /** Refuses chunked bodies with 411. */
  readonly requireLength?: boolean;
  /** Drops headers whose name has an underscore, as some proxies do. */
  readonly dropUnderscores?: boolean;
  /** Longest request head, in bytes. Default 16384; above it 431. */
  readonly maxHeaderBytes?: number;
  readonly badHashes?: readonly string[];
  readonly badPatterns?: readonly (string | Uint8Array)[];
  readonly blockedTypes?: readonly string[];
  readonly unsupportedTypes?: readonly string[];
  /** A file to which every request is appended before its answer. */
  readonly requestLog?: string;
  /** How many requests `requests()` remembers. Default 1000. */
  readonly remember?: number;
  /** Played from the start: one for each scan request (see `faults.ts`). */
  readonly faults?: readonly string[];
  /** Serve TLS with it (PEM). */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** The environment of the process, `STANDIN_*`. @throws Error that names the variable */
export function optionsFromEnv(env: NodeJS.ProcessEnv): StandinOptions {
  const number = (name: string): number | undefined => {
    const value = env[name];
    if (value === undefined || value === '') return undefined;
    if (!/^\d{1,12}$/.test(value)) throw new Error(`${name} must be a whole number, not ${JSON.stringify(value)}`);
    return Number(value);
  };
  const list = (name: string): string[] | undefined => {
    const value = env[name];
    return value === undefined || value === '' ? undefined : value.split(',').map((s) => s.trim());
  };
  const text = (name: string): string | undefined => env[name] || undefined;
  const given = {
    host: text('STANDIN_HOST'),
    port: number('STANDIN_PORT'),
    token: text('STANDIN_TOKEN'),
    entities: list('STANDIN_ENTITIES')?.map(Number),
    latencyMs: number('STANDIN_LATENCY_MS'),
    latencyPerMibMs: number('STANDIN_LATENCY_PER_MIB_MS'),
    workers: number('STANDIN_WORKERS'),
    queue: number('STANDIN_QUEUE'),
    maxBytes: number('STANDIN_MAX_BYTES'),
    startupMs: number('STANDIN_STARTUP_MS'),
    keepAliveMs: number('STANDIN_KEEP_ALIVE_MS'),
    badHashes: list('STANDIN_BAD_HASHES'),
    badPatterns: list('STANDIN_BAD_PATTERNS'),
    blockedTypes: list('STANDIN_BLOCKED_TYPES'),
    unsupportedTypes: list('STANDIN_UNSUPPORTED_TYPES'),
    requestLog: text('STANDIN_REQUEST_LOG'),
    remember: number('STANDIN_REMEMBER'),
    faults: list('STANDIN_FAULTS'),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as StandinOptions;
}
