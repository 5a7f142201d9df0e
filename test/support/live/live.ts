import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type ApiClient, createApiClient } from '../../../api/client.ts';
import type { WatchHealth } from '../../../domain/watch.ts';
import { EventJob } from '../event-job.ts';
import { Plant, type WorkerProcess } from '../plant.ts';
import { startValkey, type ValkeyServer } from '../valkey.ts';

const API = path.resolve(import.meta.dirname, '../../../api/main.ts');

/** A storage that is watched, as its users see it: the connector of the configuration file, and what they do to its items. */
export interface LiveSource {
  /** Fields of the connector, `watch` among them. */
  readonly connector: Readonly<Record<string, unknown>> & { readonly id: string };
  /** Variables of the worker and the API. */
  readonly env?: Readonly<Record<string, string>>;
  /** Moves of ours are told of by the storage, and must be left alone. */
  readonly tellsOfQuarantine: boolean;
  put(location: string, bytes: string): Promise<void>;
  /** Locations inside the asset. */
  locations(): Promise<string[]>;
  /** Bytes of everything in quarantine, but side-cars. */
  quarantined(): Promise<string[]>;
  close(): Promise<void>;
}

/** Temporal, Valkey, a stand-in scanner, and processes of workers and the API before one configuration file. */
export class Live {
  readonly plant: Plant;
  readonly valkey: ValkeyServer;
  readonly #configuration: string;
  readonly #env: Record<string, string>;
  readonly #processes: ChildProcess[] = [];

  private constructor(plant: Plant, valkey: ValkeyServer) {
    this.plant = plant;
    this.valkey = valkey;
    this.#configuration = path.join(plant.home, 'dsx-connect.yaml');
    this.#env = { DSX_CONFIG: this.#configuration, REDIS_URL: valkey.url };
  }

  static async start(): Promise<Live> {
    const [plant, valkey] = await Promise.all([Plant.start(), startValkey()]);
    return new Live(plant, valkey);
  }

  /** Writes the configuration file: JSON is YAML too. */
  configure(connectors: readonly object[], env: Readonly<Record<string, string>> = {}): void {
    writeFileSync(this.#configuration, JSON.stringify({ connectors }));
    Object.assign(this.#env, env);
  }

  worker(env: Record<string, string> = {}): Promise<WorkerProcess> {
    return this.plant.worker({ ...this.#env, ...env });
  }

  /** A process of the API. */
  async api(env: Record<string, string> = {}): Promise<ApiClient> {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', API], {
      cwd: this.plant.home,
      env: {
        PATH: process.env.PATH,
        HOME: this.plant.home,
        DSX_HOME: path.join(this.plant.home, 'state'),
        TEMPORAL_ADDRESS: this.plant.temporal.address,
        DSXA_STANDIN_URL: this.plant.standin.url,
        API_PORT: '0',
        LOG_LEVEL: 'warn',
        ...this.#env,
        ...env,
      },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#processes.push(child);
    const origin = await new Promise<string>((resolve, reject) => {
      child.once('message', (message) => resolve((message as { address: string }).address));
      child.once('exit', (code) => reject(new Error(`the API ended with ${code}`)));
    });
    return createApiClient({ origin });
  }

  job(source: LiveSource): EventJob {
    return new EventJob(this.plant, source.connector.id);
  }

  /** How often the scanner was asked about these bytes. */
  scansOf(bytes: string): number {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return this.plant.standin.requests().filter((request) => request.sha256 === sha256).length;
  }

  async stop(): Promise<void> {
    for (const child of this.#processes) child.kill('SIGKILL');
    await this.plant.stop();
    await this.valkey.stop('SIGKILL');
  }
}

/** The health of a watch, by the API, once it is as asked for. */
export async function untilHealth(
  api: ApiClient,
  connector: string,
  check: (health: WatchHealth) => boolean,
  timeoutMs = 60_000,
): Promise<WatchHealth> {
  let last: WatchHealth | undefined;
  await until(
    async () => {
      last = (await api.connector(connector)).watch;
      return last !== undefined && check(last);
    },
    timeoutMs,
    () => JSON.stringify(last),
  );
  return last as WatchHealth;
}

/** Looks again and again at something that changes by itself. Returns how long that took, in milliseconds. */
export async function until(
  check: () => boolean | Promise<boolean>,
  timeoutMs = 60_000,
  why: () => string = () => '',
): Promise<number> {
  const begin = performance.now();
  while (!(await check())) {
    if (performance.now() - begin > timeoutMs) throw new Error(`not so within ${timeoutMs} ms: ${why()}`);
    await pause(20);
  }
  return Math.round(performance.now() - begin);
}
