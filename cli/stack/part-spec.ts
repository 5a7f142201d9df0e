import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../home.ts';
import { temporalBinary, valkeyBinary } from './binaries.ts';
import type { Part } from './contract.ts';
import type { Plan } from './plan.ts';
import { freePort, isFree } from './ports.ts';
import { SEARCH_ATTRIBUTES, temporalIsReady, valkeyPid } from './probes.ts';
import { dynamicConfigArguments } from './temporal-config.ts';

const LOOPBACK = '127.0.0.1';

/** One start of a part. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Node children say that they are ready over a channel, and end when it closes. */
  readonly ipc: boolean;
  /** Asked again and again until it says yes; children with a channel say so themselves. */
  readonly isReady?: (pid: number) => Promise<boolean>;
}

export interface PartSpec {
  readonly name: string;
  readonly part: Part;
  readonly readyWithinMs: number;
  /** How long it may take to end by itself. */
  readonly graceMs: number;
  /** Whether a first start that fails is worth another one with other ports. */
  readonly movable: boolean;
  /** Chooses its ports, where it has any and they are not settled. */
  settle(attempt: number): Promise<void>;
  command(): Command;
  address(): string | undefined;
}

/** Where the parts of this stack are; filled in as ports are settled. */
export interface Addresses {
  temporal?: string;
  temporalUi?: string;
  redis?: string;
  standin?: string;
  api?: string;
}

export interface Surroundings {
  readonly home: string;
  readonly plan: Plan;
  readonly addresses: Addresses;
  readonly say: (line: string) => void;
}

/** The parts to start, in the order of the plan; a part that others need stands before them. */
export function partSpecs(around: Surroundings): PartSpec[] {
  const taken = new Set<number>();
  return around.plan.own.flatMap((part) => {
    if (part === 'temporal') return [temporal(around, taken)];
    if (part === 'valkey') return [valkey(around, taken)];
    if (part === 'standin') return [standin(around, taken)];
    if (part === 'api') return [api(around, taken)];
    return Array.from({ length: around.plan.workers }, (_, index) => worker(around, index));
  });
}

/** The well-known port where it is free and wanted, else any free one, and then says so. */
async function choosePort(
  around: Surroundings,
  taken: Set<number>,
  what: string,
  known: number,
  attempt: number,
): Promise<number> {
  if (around.plan.wellKnownPorts && attempt === 1 && !taken.has(known)) {
    if (await isFree(LOOPBACK, known)) {
      taken.add(known);
      return known;
    }
    const port = await freePort(LOOPBACK, taken);
    around.say(`port ${known} is in use: ${what} takes ${port}`);
    return port;
  }
  return await freePort(LOOPBACK, taken);
}

function temporal(around: Surroundings, taken: Set<number>): PartSpec {
  const { addresses, home, plan } = around;
  const folder = path.join(home, 'temporal');
  let port = 0;
  let ui = 0;
  return {
    name: 'temporal',
    part: 'temporal',
    readyWithinMs: 90_000,
    graceMs: 15_000,
    movable: true,
    settle: async (attempt) => {
      port = await choosePort(around, taken, 'Temporal', 7233, attempt);
      ui = await choosePort(around, taken, 'the Temporal UI', 8233, attempt);
      addresses.temporal = `${LOOPBACK}:${port}`;
      addresses.temporalUi = `http://${LOOPBACK}:${ui}`;
    },
    command: () => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      return {
        file: temporalBinary(plan.env),
        args: [
          ...['server', 'start-dev', '--headless=false', '--ip', LOOPBACK, '--port', String(port)],
          ...['--ui-ip', LOOPBACK, '--ui-port', String(ui), '--ui-disable-news-fetch'],
          ...['--db-filename', path.join(folder, 'temporal.db')],
          ...dynamicConfigArguments(),
          ...SEARCH_ATTRIBUTES.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
          ...['--log-level', 'warn'],
        ],
        env: bare(plan.env),
        cwd: folder,
        ipc: false,
        isReady: () => temporalIsReady(`${LOOPBACK}:${port}`),
      };
    },
    address: () => addresses.temporal,
  };
}

function valkey(around: Surroundings, taken: Set<number>): PartSpec {
  const { addresses, home, plan } = around;
  const folder = path.join(home, 'valkey');
  let port = 0;
  return {
    name: 'valkey',
    part: 'valkey',
    readyWithinMs: 60_000,
    graceMs: 15_000,
    movable: true,
    settle: async (attempt) => {
      port = await choosePort(around, taken, 'Valkey', 6379, attempt);
      addresses.redis = `redis://${LOOPBACK}:${port}`;
    },
    command: () => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      return {
        file: valkeyBinary(plan.env),
        args: [
          '--port',
          String(port),
          '--bind',
          LOOPBACK,
          '--dir',
          folder,
          '--appendonly',
          'yes',
          '--save',
          '',
          '--daemonize',
          'no',
        ],
        env: bare(plan.env),
        cwd: folder,
        ipc: false,
        isReady: async (pid) => (await valkeyPid(port, 2_000)) === pid,
      };
    },
    address: () => addresses.redis,
  };
}

function standin(around: Surroundings, taken: Set<number>): PartSpec {
  const { addresses, home, plan } = around;
  let port = 0;
  return {
    name: 'standin',
    part: 'standin',
    readyWithinMs: 60_000,
    graceMs: 5_000,
    movable: true,
    settle: async () => {
      port = await freePort(LOOPBACK, taken);
      addresses.standin = `http://${LOOPBACK}:${port}`;
    },
    command: () =>
      nodeCommand(around, 'scanner/standin/main.ts', {
        STANDIN_HOST: LOOPBACK,
        STANDIN_PORT: String(port),
        // Set to nothing: no log, for measuring.
        STANDIN_REQUEST_LOG: plan.env.STANDIN_REQUEST_LOG ?? path.join(home, 'logs', 'standin-requests.ndjson'),
      }),
    address: () => addresses.standin,
  };
}

function worker(around: Surroundings, index: number): PartSpec {
  return {
    name: index === 0 ? 'worker' : `worker-${index + 1}`,
    part: 'worker',
    readyWithinMs: 120_000,
    // Pages in hand write their checkpoint before the worker ends.
    graceMs: 45_000,
    movable: false,
    settle: async () => undefined,
    command: () =>
      nodeCommand(around, 'workers/main.ts', {
        DSXCONNECT_WORKER_VERSIONING: around.plan.env.DSXCONNECT_WORKER_VERSIONING || 'current',
      }),
    address: () => undefined,
  };
}

function api(around: Surroundings, taken: Set<number>): PartSpec {
  const { addresses, plan } = around;
  let port = plan.apiPort ?? 0;
  return {
    name: 'api',
    part: 'api',
    readyWithinMs: 60_000,
    graceMs: 15_000,
    movable: plan.apiPort === undefined,
    settle: async () => {
      if (plan.apiPort === undefined) port = await freePort(plan.apiHost, taken);
      addresses.api = `${plan.apiScheme}://${reachable(plan.apiHost)}:${port}`;
    },
    // Its answers are short-lived: a small young generation takes some 100 MiB less under load, and no more time (docs/benchmarks.md).
    command: () =>
      nodeCommand(around, 'api/main.ts', { API_HOST: plan.apiHost, API_PORT: String(port), MALLOC_ARENA_MAX: '2' }, [
        '--max-semi-space-size=4',
      ]),
    address: () => addresses.api,
  };
}

/** Where a server that listens on this address is reached from this machine. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '') return LOOPBACK;
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

function nodeCommand(
  around: Surroundings,
  script: string,
  env: Command['env'],
  flags: readonly string[] = [],
): Command {
  const { addresses, home, plan } = around;
  return {
    file: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', ...flags, path.join(ROOT, script)],
    env: {
      ...plan.env,
      DSX_HOME: home,
      DSX_LEDGER: plan.ledger,
      TEMPORAL_ADDRESS: plan.external.temporal?.address ?? addresses.temporal,
      REDIS_URL: plan.external.redis ?? addresses.redis,
      TEMPORAL_UI_URL: addresses.temporalUi ?? plan.env.TEMPORAL_UI_URL,
      DSXA_STANDIN_URL: plan.external.standin ?? addresses.standin,
      ...env,
    },
    cwd: home,
    ipc: true,
  };
}

/** What a server that is not ours needs of the environment: nothing that could change what it does. */
function bare(env: Plan['env']): Command['env'] {
  return Object.fromEntries(['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ'].map((name) => [name, env[name]]));
}
