/** A part of the embedded stack. */
export const PARTS = ['temporal', 'valkey', 'standin', 'worker', 'api'] as const;
export type Part = (typeof PARTS)[number];

/** A stack that is up, as the commands use it. */
export interface Stack {
  readonly home: string;
  /** Origin of the API, without the prefix, as `http://127.0.0.1:8586`. */
  readonly api: string;
  readonly apiKey: string | undefined;
  readonly temporalAddress: string;
  /** Address of the Temporal UI; undefined when Temporal is not ours. */
  readonly temporalUi: string | undefined;
  readonly redisUrl: string | undefined;
  /** Folder of the ledger. */
  readonly ledger: string;
  /** Names of the scanners its workers can use: `dsxa` when one is configured, `standin` when the stack has one. */
  readonly scanners: readonly string[];
  /** False when this process started the stack for the occasion. */
  readonly standing: boolean;
}

export interface StackOptions {
  readonly home: string;
  /** Variables of the environment and `.env` that the parts are started with. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly only?: readonly Part[];
  readonly skip?: readonly Part[];
  /** Ignore TEMPORAL_ADDRESS, REDIS_URL and DSXA_SCANNER_URL: start every part, on free ports. For `demo` and tests. */
  readonly isolated?: boolean;
  readonly workers?: number;
  /**
   * True for `up`: the stack stays until `down`, takes the well-known ports where they are free, and the API must get
   * `API_PORT`. Else it was started for the occasion and takes free ports.
   */
  readonly standing?: boolean;
  /** Told what is being started and what went wrong, one line each. */
  readonly say?: (line: string) => void;
}

/** What `cli/stack/` gives to the commands. */
export interface Stacks {
  /** The stack that is up in this home, or undefined. Cleans away what a dead one left. */
  find(home: string): Promise<Stack | undefined>;
  /** Starts a supervisor of its own (detached) and resolves when every part is ready. @throws CliError */
  start(options: StackOptions): Promise<Stack>;
  /** Stops the stack of this home: each part in turn, gracefully, then by force. */
  stop(home: string): Promise<void>;
}
