import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { OldConnector } from '../../../test/support/old-connector.ts';

/** Former connectors push so many files at once where they push one by one, and give an answer so long, in milliseconds. */
const AT_ONCE = 8;
const PATIENCE_MS = 5_000;
const LOOK_MS = 100;

/** One answered push. */
export interface Ack {
  readonly ms: number;
  readonly items: number;
}

/** Pushes files as former connectors do: each once, and what is not acknowledged is lost. While nobody answers it waits, so that little is. */
export class Pusher {
  readonly #connector: OldConnector;
  /** Locations that were acknowledged. */
  readonly acknowledged = new Set<string>();
  /** Locations that were sent and have no answer that says so. */
  readonly lost = new Set<string>();
  readonly batches: Ack[] = [];
  readonly singles: Ack[] = [];
  /** Pushes without a good answer, by status, or by what broke. */
  readonly failures = new Map<string, number>();
  /** A task id of each hundredth push. */
  readonly tasks: { readonly task: string; readonly location: string }[] = [];
  /** Items of pushes that are under way. */
  underWay = 0;

  constructor(connector: OldConnector) {
    this.#connector = connector;
  }

  /** In batches, one after the other. */
  async batched(files: readonly string[], job: string, size: number): Promise<void> {
    for (let at = 0; at < files.length; at += size) {
      const part = files.slice(at, at + size);
      const requests = await Promise.all(part.map((file) => this.#connector.requestOf(file, job)));
      const body = await this.#push('scan/request_batch', { requests, batch_size: size }, part, this.batches);
      const [task] = (body?.task_ids as string[] | undefined) ?? [];
      if (task !== undefined) this.tasks.push({ task, location: part[0] ?? '' });
    }
  }

  /** One by one, after a look at how the job stands, eight at once. */
  async single(files: readonly string[], job: string): Promise<void> {
    let next = 0;
    const runner = async (): Promise<void> => {
      for (let at = next++; at < files.length; at = next++) {
        const file = files[at] ?? '';
        await this.#connector.call('GET', `scan/jobs/${job}/raw`).catch(() => undefined);
        const body = await this.#push('scan/request', await this.#connector.requestOf(file, job), [file], this.singles);
        const [, task] = /^Scan task ID: (.+)$/.exec(String(body?.message)) ?? [];
        if (task !== undefined && at % 100 === 0) this.tasks.push({ task, location: file });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, runner));
  }

  async #push(
    target: string,
    body: Record<string, unknown>,
    files: readonly string[],
    acks: Ack[],
  ): Promise<Record<string, unknown> | undefined> {
    await this.untilThere();
    const began = performance.now();
    this.underWay += files.length;
    try {
      const answer = await this.#connector.call('POST', target, body);
      const ms = performance.now() - began;
      const taken = answer.body.queued_items ?? 1;
      if (answer.status === 202 && taken === files.length) {
        if (ms > PATIENCE_MS) this.#failed('too late');
        acks.push({ ms, items: files.length });
        for (const file of files) this.acknowledged.add(file);
        return answer.body;
      }
      this.#failed(String(answer.status));
    } catch (error) {
      this.#failed(codeOf(error));
    } finally {
      this.underWay -= files.length;
    }
    for (const file of files) this.lost.add(file);
    return undefined;
  }

  #failed(what: string): void {
    this.failures.set(what, (this.failures.get(what) ?? 0) + 1);
  }

  /** Waits until the API answers. */
  async untilThere(): Promise<void> {
    while ((await this.#connector.call('GET', 'healthz').catch(() => undefined))?.status !== 200) await pause(LOOK_MS);
  }
}

/** All files of a folder of folders, in order. */
export function filesOf(folder: string): string[] {
  return readdirSync(folder)
    .sort()
    .flatMap((inner) => {
      const within = path.join(folder, inner);
      return readdirSync(within)
        .sort()
        .map((name) => path.join(within, name));
    });
}

function codeOf(error: unknown): string {
  const { cause, code } = error as { cause?: { code?: string }; code?: string };
  return cause?.code ?? code ?? 'broken';
}
