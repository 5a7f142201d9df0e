import { fork } from 'node:child_process';
import path from 'node:path';

/** A server in a process of its own, so that it takes no turn of our event loop. */
export interface Apart<Facts> {
  readonly facts: Facts;
  stop(): Promise<void>;
}

/**
 * Runs a module of `servers/`, which tells its facts with `tell`. It ends with this process.
 * @throws Error when it ends before it has told them
 */
export async function startApart<Facts>(module: string): Promise<Apart<Facts>> {
  const child = fork(path.join(import.meta.dirname, 'servers', module), { execArgv: [] });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const facts = await new Promise<Facts>((resolve, reject) => {
    child.once('message', (told) => resolve(told as Facts));
    void gone.then(() => reject(new Error(`${module} ended before it served`)));
  });
  return {
    facts,
    async stop() {
      if (child.connected) child.disconnect();
      await gone;
    },
  };
}

/** In the module: serves until whoever started it has let go. */
export function tell(facts: object, stop: () => Promise<void>): void {
  process.once('disconnect', () => void stop().finally(() => process.exit(0)));
  process.send?.(facts);
}
