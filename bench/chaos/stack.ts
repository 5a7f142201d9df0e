import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { PartRunner, type Pauses } from '../../cli/stack/part-runner.ts';
import { type Addresses, type PartSpec, partSpecs } from '../../cli/stack/part-spec.ts';
import { type Plan, planStack } from '../../cli/stack/plan.ts';
import { prepareHome } from '../../cli/stack/prepare-home.ts';
import { type ProcessId, signal } from '../../cli/stack/process-id.ts';
import { logFile } from '../../cli/stack/state.ts';
import { workerNames } from './schedule.ts';
import { Toxiproxy } from './toxiproxy.ts';

/** The product's supervision of each part, but for shorter pauses: parts are killed more often here than anywhere else. */
const PAUSES: Pauses = { first: 500, longest: 1_000, settled: 10_000 };

export interface ChaosStackOptions {
  readonly home: string;
  readonly workers: number;
  /** The Toxiproxy server. */
  readonly toxiproxy: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly say: (line: string) => void;
}

/**
 * A stack whose every connection leads through a Toxiproxy: each worker and the API have links of their own to Temporal, Valkey and
 * the stand-in. Its parts are those of `dsx up`, started, watched and restarted by the same code, as children of this process.
 */
export class ChaosStack {
  readonly home: string;
  readonly proxy: Toxiproxy;
  readonly #runners: ReadonlyMap<string, PartRunner>;
  readonly #addresses: Addresses;
  /** The worker behind each address of the stand-in, as its request log names it. */
  readonly scannerHosts: ReadonlyMap<string, string>;
  readonly ledger: string;

  private constructor(
    home: string,
    proxy: Toxiproxy,
    runners: ReadonlyMap<string, PartRunner>,
    addresses: Addresses,
    scannerHosts: ReadonlyMap<string, string>,
    ledger: string,
  ) {
    this.home = home;
    this.proxy = proxy;
    this.#runners = runners;
    this.#addresses = addresses;
    this.scannerHosts = scannerHosts;
    this.ledger = ledger;
  }

  /** @throws CliError, PartEnded; what was started is ended again */
  static async start(options: ChaosStackOptions): Promise<ChaosStack> {
    const { home, say, workers } = options;
    prepareHome(home);
    mkdirSync(path.join(home, 'logs'), { recursive: true });
    const plan = planStack({ home, env: options.env, isolated: true, workers });
    const proxy = await Toxiproxy.start(options.toxiproxy, logFile(home, 'toxiproxy'));
    const runners = new Map<string, PartRunner>();
    const addresses: Addresses = {};
    const scannerHosts = new Map<string, string>();
    const add = (spec: PartSpec): void => {
      runners.set(spec.name, new PartRunner(spec, logFile(home, spec.name), say, () => undefined, PAUSES));
    };
    const stack = new ChaosStack(home, proxy, runners, addresses, scannerHosts, plan.ledger);
    try {
      for (const spec of specsOf(home, plan, ['temporal', 'valkey', 'standin'], addresses, say)) add(spec);
      await Promise.all([...runners.values()].map((runner) => runner.start()));
      const servers = [...runners.keys()];
      for (const name of workerNames(workers)) {
        const behind = await stack.#links(name);
        if (behind.standin !== undefined) scannerHosts.set(new URL(behind.standin).host, name);
        for (const spec of specsOf(home, plan, ['worker'], behind, say)) add({ ...spec, name });
      }
      const behind = await stack.#links('api');
      for (const spec of specsOf(home, plan, ['api'], behind, say)) add(spec);
      const clients = [...runners].filter(([name]) => !servers.includes(name));
      await Promise.all(clients.map(([, runner]) => runner.start()));
      addresses.api = behind.api ?? '';
      return stack;
    } catch (error) {
      await stack.stop();
      throw error;
    }
  }

  /** Proxies from one client to the servers. */
  async #links(client: string): Promise<Addresses> {
    const { temporal = '', redis = '', standin = '' } = this.#addresses;
    return {
      temporal: await this.proxy.link(`${client}>temporal`, temporal),
      redis: `redis://${await this.proxy.link(`${client}>valkey`, new URL(redis).host)}`,
      standin: `http://${await this.proxy.link(`${client}>standin`, new URL(standin).host)}`,
    };
  }

  /** Origin of the API. */
  get api(): string {
    return this.#addresses.api ?? '';
  }

  /** Temporal itself, past all proxies. */
  get temporal(): string {
    return this.#addresses.temporal ?? '';
  }

  get requestLog(): string {
    return path.join(this.home, 'logs', 'standin-requests.ndjson');
  }

  /** The process of a part that serves now, or undefined while there is none. */
  processOf(part: string): ProcessId | undefined {
    const { condition, process } = this.#runner(part).state;
    return condition === 'up' ? process : undefined;
  }

  /** Waits until a part serves. False when it does not within the time. */
  async untilUp(part: string, withinMs: number): Promise<boolean> {
    const end = Date.now() + withinMs;
    while (this.processOf(part) === undefined) {
      if (Date.now() > end) return false;
      await pause(20);
    }
    return true;
  }

  restarts(part: string): number {
    return this.#runner(part).state.restarts;
  }

  get parts(): string[] {
    return [...this.#runners.keys()];
  }

  #runner(part: string): PartRunner {
    const runner = this.#runners.get(part);
    if (runner === undefined) throw new RangeError(`the stack has no ${part}`);
    return runner;
  }

  /** Ends every part, those that are frozen too. */
  async stop(): Promise<void> {
    this.#each('SIGCONT');
    const clients = [...this.#runners].filter(([name]) => name.startsWith('worker') || name === 'api');
    const servers = [...this.#runners].filter((one) => !clients.includes(one));
    await Promise.all(clients.map(([, runner]) => runner.stop()));
    await Promise.all(servers.map(([, runner]) => runner.stop()));
    await this.proxy.stop();
  }

  /** Ends every part at once and by force, for an exit that cannot wait. */
  kill(): void {
    this.#each('SIGKILL');
    void this.proxy.stop();
  }

  #each(name: NodeJS.Signals): void {
    for (const { state } of this.#runners.values()) if (state.process !== undefined) signal(state.process, name);
  }
}

function specsOf(
  home: string,
  plan: Plan,
  own: Plan['own'],
  addresses: Addresses,
  say: (line: string) => void,
): PartSpec[] {
  return partSpecs({ home, plan: { ...plan, own, workers: 1 }, addresses, say });
}
