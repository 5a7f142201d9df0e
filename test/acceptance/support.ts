import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { API_PREFIX } from '../../api/contract.ts';
import { ROOT } from '../../cli/home.ts';
import type { Summary } from '../../cli/job/summary.ts';
import type { PartReport, StackReport } from '../../cli/stack/report.ts';
import { stacks } from '../../cli/stack/stacks.ts';
import { locationBytes } from '../../domain/item.ts';
import type { OutcomeRow } from '../../domain/outcome.ts';
import type { SeenRequest } from '../../scanner/standin/request-log.ts';

/** The environment of a user who has set nothing for dsx-connect. */
export function plainEnv(more: Record<string, string | undefined> = {}): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'DSX_TEMPORAL', 'DSX_VALKEY'];
  return { ...Object.fromEntries(kept.map((name) => [name, process.env[name]])), ...more };
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One line of `--json`. */
export type Event = { readonly type: string; readonly job: string } & Readonly<Record<string, unknown>>;

export interface RunOptions {
  readonly env?: Record<string, string | undefined>;
  readonly cwd?: string;
  /** Runs as this user, who must be able to read the checkout. Needs root. */
  readonly uid?: number;
}

/** A `./dsx` command that runs, in a process of its own that gets signals as from a terminal. */
export class Command {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
  stdout = '';
  stderr = '';

  static readonly #running = new Set<Command>();

  /** Ends the commands that failed tests left. */
  static endAll(): void {
    for (const { child } of Command.#running) child.kill('SIGKILL');
  }

  constructor(args: readonly string[], options: RunOptions = {}) {
    Command.#running.add(this);
    const identity = options.uid === undefined ? {} : { uid: options.uid, gid: options.uid };
    this.child = spawn(path.join(ROOT, 'dsx'), args, {
      // Not the checkout: no `.env` and no configuration file of anybody is read.
      cwd: options.cwd ?? tmpdir(),
      env: plainEnv(options.env),
      stdio: ['ignore', 'pipe', 'pipe'],
      ...identity,
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code) => {
        Command.#running.delete(this);
        resolve({ code: code ?? -1, stdout: this.stdout, stderr: this.stderr });
      });
    });
  }

  /** Whole lines of `--json` so far. */
  events(): Event[] {
    return eventsOf(this.stdout);
  }

  /** The first event that is as asked for. */
  async until(check: (event: Event) => boolean, timeoutMs = 30_000): Promise<Event> {
    const found = await until(
      () => this.events().find(check) ?? (this.child.exitCode === null ? undefined : 'ended'),
      timeoutMs,
      () => `${this.stdout}\n${this.stderr}`,
    );
    if (found === 'ended') {
      const late = eventsOf((await this.ended).stdout).find(check);
      if (late === undefined) throw new Error(`it ended before that: ${this.stdout}\n${this.stderr}`);
      return late;
    }
    return found;
  }

  /** The id of the job that the command started. */
  async job(): Promise<string> {
    return (await this.until((event) => event.type === 'started')).job;
  }
}

export function eventsOf(stdout: string): Event[] {
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Event);
}

/** The last line of `--json`. */
export function summaryOf(ran: Ran): Summary {
  const last = eventsOf(ran.stdout).at(-1);
  if (last?.type !== 'summary') throw new Error(`no summary, but: ${ran.code} ${ran.stdout}\n${ran.stderr}`);
  return last as unknown as Summary;
}

/** Runs a `./dsx` command to its end. */
export function dsx(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return new Command(args, options).ended;
}

/** Looks again and again at something that changes by itself, until it is there. */
export async function until<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 30_000,
  why: () => string = () => '',
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`it did not come about within ${timeoutMs} ms ${why()}`);
    await pause(25);
  }
}

/** A folder that is removed at the end. */
export function tempFolder(name: string): { path: string; remove(): void } {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), `dsx-${name}-`)));
  const remove = (): void => {
    Command.endAll();
    rmSync(folder, { recursive: true, force: true });
  };
  return { path: folder, remove };
}

/** A stack of a test file's own: state and ports are nobody else's. The tests reach it from outside only. */
export class TestStack {
  readonly base: string;
  readonly home: string;

  constructor(base: string) {
    this.base = base;
    this.home = path.join(base, 'home');
  }

  /** Starts it. `env` may hold settings of the work (`DSXCONNECT_PAGE_ITEMS`, `STANDIN_LATENCY_MS`, …). */
  static async start(name: string, env: Record<string, string> = {}): Promise<TestStack> {
    const stack = new TestStack(tempFolder(name).path);
    await stacks.start({ home: stack.home, env: plainEnv(env), isolated: true });
    return stack;
  }

  /** Stops it and removes everything. */
  async remove(): Promise<void> {
    Command.endAll();
    await stacks.stop(this.home);
    rmSync(this.base, { recursive: true, force: true });
  }

  folder(name: string): string {
    return path.join(this.base, name);
  }

  command(args: readonly string[], options: RunOptions = {}): Command {
    return new Command(args, { ...options, env: { DSX_HOME: this.home, ...options.env } });
  }

  dsx(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    return this.command(args, options).ended;
  }

  /** `scan FOLDER --scanner standin --json …` to its end. */
  async scan(folder: string, ...more: string[]): Promise<{ code: number; summary: Summary; ran: Ran }> {
    const ran = await this.dsx(['scan', folder, '--scanner', 'standin', '--json', ...more]);
    return { code: ran.code, summary: summaryOf(ran), ran };
  }

  startScan(folder: string, ...more: string[]): Command {
    return this.command(['scan', folder, '--scanner', 'standin', '--json', ...more]);
  }

  async status(): Promise<StackReport> {
    return JSON.parse((await this.dsx(['status', '--json'])).stdout) as StackReport;
  }

  async part(name: string): Promise<PartReport> {
    const part = (await this.status()).parts.find((one) => one.name === name);
    if (part === undefined) throw new Error(`the stack has no ${name}`);
    return part;
  }

  /** Ends a part by force, as a crash does. Returns how often it had been restarted before. */
  async kill(name: string): Promise<number> {
    const { pid, restarts } = await this.part(name);
    process.kill(pid ?? Number.NaN, 'SIGKILL');
    return restarts;
  }

  async api(route: string, init: RequestInit = {}): Promise<Response> {
    const { api } = await this.#addresses();
    return fetch(`${api}${API_PREFIX}${route}`, init);
  }

  /** POSTs JSON; the answer's body is JSON too. */
  async post(route: string, body: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
    const answer = await this.api(route, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  }

  /** Every outcome row, by the API's pages. */
  async rowsByApi(job: string, limit: number): Promise<OutcomeRow[]> {
    return allRows((query) => this.api(`/jobs/${job}/outcomes?${query}`), limit);
  }

  /** Every outcome row, by the command line. */
  async rows(job: string): Promise<OutcomeRow[]> {
    const ran = await this.dsx(['ledger', 'show', job, '--json', '--limit', 'all']);
    if (ran.code !== 0) throw new Error(ran.stderr);
    return eventsOf(ran.stdout) as unknown as OutcomeRow[];
  }

  /** Changes the stand-in's options. */
  async standin(config: Record<string, unknown>): Promise<void> {
    await this.#controlPlane('PUT', 'config', config);
  }

  /** Gives the stand-in a fault script. */
  async faults(...script: string[]): Promise<void> {
    await this.#controlPlane('PUT', 'faults', script);
  }

  async #controlPlane(method: string, what: string, body: unknown): Promise<void> {
    const { standin } = await this.#addresses();
    const answer = await fetch(`${standin}/_standin/${what}`, { method, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(await answer.text());
  }

  /** What the stand-in was asked, by its own log on disk; bodies of probes are not files of anybody. */
  requests(): SeenRequest[] {
    return eventsOf(readFileSync(path.join(this.home, 'logs', 'standin-requests.ndjson'), 'utf8')) as never;
  }

  #known: { api: string; standin: string } | undefined;
  async #addresses(): Promise<{ api: string; standin: string }> {
    if (this.#known === undefined) {
      const { api, parts } = await this.status();
      const standin = parts.find((part) => part.part === 'standin')?.address ?? '';
      this.#known = { api: api ?? '', standin };
    }
    return this.#known;
  }
}

/** Rows of all pages of a list of the API. */
export async function allRows(ask: (query: string) => Promise<Response>, limit: number): Promise<OutcomeRow[]> {
  const rows: OutcomeRow[] = [];
  let after = '';
  for (;;) {
    const answer = await ask(`limit=${limit}${after}`);
    if (answer.status !== 200) throw new Error(await answer.text());
    const page = (await answer.json()) as { rows: OutcomeRow[]; next?: string };
    rows.push(...page.rows);
    if (page.next === undefined) return rows;
    after = `&after=${encodeURIComponent(page.next)}`;
  }
}

/** How many entries that are no folder are there, by `find` itself. */
export function countByFind(folder: string): number {
  return execFileSync('find', [folder, '!', '-type', 'd', '-printf', 'x'], { encoding: 'utf8' }).length;
}

/** A row's location as bytes, one character each. */
export function keyOf(row: { location: string; locationBytes?: string }): string {
  return locationBytes(row).toString('latin1');
}

/** Rows by location; a second row of a location is an error. */
export function byLocation(rows: readonly OutcomeRow[]): Map<string, OutcomeRow> {
  const found = new Map<string, OutcomeRow>();
  for (const row of rows) {
    if (found.has(keyOf(row))) throw new Error(`a second row for ${row.location}`);
    found.set(keyOf(row), row);
  }
  return found;
}

export function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((a, b) => a + b, 0);
}
