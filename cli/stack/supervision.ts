import { messageOf } from '../../domain/errors.ts';
import { CliError } from '../errors.ts';
import type { StackOptions } from './contract.ts';
import { checkExternals, withoutCredentials } from './externals.ts';
import { claimHome } from './home-claim.ts';
import { PartEnded, PartRunner } from './part-runner.ts';
import { type Addresses, partSpecs } from './part-spec.ts';
import { type Plan, planStack } from './plan.ts';
import { isFree } from './ports.ts';
import { identify } from './process-id.ts';
import { logFile, type PartState, removeState, type StackState, writeState } from './state.ts';

/** One stack from its start to its end, within the supervisor's process. */
export class Supervision {
  readonly #options: StackOptions & { readonly say: (line: string) => void };
  readonly #plan: Plan;
  readonly #addresses: Addresses = {};
  readonly #since = new Date().toISOString();
  #runners: readonly PartRunner[] = [];
  #phase: StackState['phase'] = 'starting';
  #claimed = false;
  /** What was said of a state that could not be written: said once, not at every change. */
  #unsaved: string | undefined;
  #stopping: Promise<void> | undefined;

  /** @throws CliError for options that cannot be meant */
  constructor(options: StackOptions & { readonly say: (line: string) => void }) {
    this.#options = options;
    this.#plan = planStack(options);
  }

  get isUp(): boolean {
    return this.#phase === 'up';
  }

  /**
   * Resolves when every part serves.
   *
   * @throws CliError, PartEnded, or the system's error where the home cannot be written; what was started is ended by `stop`
   */
  async start(): Promise<void> {
    const { home, say } = this.#options;
    await claimHome(home, say, () => this.#writeState());
    this.#claimed = true;
    await this.#checkApiPort();
    await checkExternals(this.#plan.external);
    const specs = partSpecs({ home, plan: this.#plan, addresses: this.#addresses, say });
    this.#runners = specs.map((spec) => new PartRunner(spec, logFile(home, spec.name), say, () => this.#save()));
    // Workers and the API look for the others at once when they start.
    await this.#startAll((runner) => !isOnTop(runner));
    await this.#startAll(isOnTop);
    this.#phase = 'up';
    this.#writeState();
  }

  /** Ends every part and forgets the stack. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #startAll(which: (runner: PartRunner) => boolean): Promise<void> {
    if (this.#stopping) throw new PartEnded('the stack was stopped while it started');
    await Promise.all(
      this.#runners.filter(which).map(async (runner) => {
        const { name } = runner.spec;
        this.#options.say(`starting ${name}`);
        try {
          await runner.start();
        } catch (error) {
          await this.#explainPort(error);
          throw error;
        }
        this.#options.say(`${name} is up${runner.state.address ? ` on ${runner.state.address}` : ''}`);
      }),
    );
  }

  async #stopAll(): Promise<void> {
    this.#phase = 'stopping';
    this.#save();
    await Promise.all(this.#runners.filter(isOnTop).map((runner) => runner.stop()));
    await Promise.all(this.#runners.filter((runner) => !isOnTop(runner)).map((runner) => runner.stop()));
    if (this.#claimed) removeState(this.#options.home);
  }

  async #checkApiPort(): Promise<void> {
    const { apiHost, apiPort, own } = this.#plan;
    if (!own.includes('api') || apiPort === undefined || (await isFree(apiHost, apiPort))) return;
    const other = apiPort === 65_535 ? apiPort - 1 : apiPort + 1;
    throw new CliError(
      'failed',
      'port_in_use',
      `the API cannot listen on ${apiHost}:${apiPort} (API_PORT): the port is in use, or the address is not one of this machine; ` +
        `end what listens there, or choose another port: API_PORT=${other} dsx up`,
    );
  }

  /** The API's port may have been taken since it was looked at. */
  async #explainPort(error: unknown): Promise<void> {
    if (error instanceof PartEnded) await this.#checkApiPort();
  }

  #save(): void {
    if (!this.#claimed) return;
    try {
      this.#writeState();
      this.#unsaved = undefined;
    } catch (error) {
      const problem = `cannot write the state of the stack: ${messageOf(error)}`;
      if (problem !== this.#unsaved) this.#options.say(problem);
      this.#unsaved = problem;
    }
  }

  #writeState(): void {
    const { apiKeyFile, external } = this.#plan;
    const supervisor = identify(process.pid);
    if (supervisor === undefined) throw new Error('cannot find out when this process started');
    writeState(this.#options.home, {
      version: 1,
      phase: this.#phase,
      supervisor,
      since: this.#since,
      standing: this.#options.standing ?? false,
      parts: [...this.#runners.map((runner) => runner.state), ...externalParts(external, this.#since)],
      absent: this.#plan.absent,
      api: this.#addresses.api,
      apiKeyFile,
      external,
      temporalAddress: external.temporal?.address ?? this.#addresses.temporal,
      temporalUi: this.#addresses.temporalUi,
      redisUrl: external.redis ?? this.#addresses.redis,
      ledger: this.#plan.ledger,
      scanners: this.#plan.scanners,
    });
  }
}

/** Whether others are needed by this part: it is started after them and ended before them. */
function isOnTop(runner: PartRunner): boolean {
  return runner.spec.part === 'worker' || runner.spec.part === 'api';
}

function externalParts(external: Plan['external'], since: string): PartState[] {
  const made = { origin: 'external', condition: 'up', since, restarts: 0 } as const;
  return [
    ...(external.temporal
      ? [{ ...made, name: 'temporal', part: 'temporal' as const, address: external.temporal.address }]
      : []),
    ...(external.redis
      ? [{ ...made, name: 'redis', part: 'valkey' as const, address: withoutCredentials(external.redis) }]
      : []),
    ...(external.standin
      ? [{ ...made, name: 'standin', part: 'standin' as const, address: withoutCredentials(external.standin) }]
      : []),
    ...(external.scanner
      ? [{ ...made, name: 'scanner', part: 'standin' as const, address: withoutCredentials(external.scanner) }]
      : []),
  ];
}
