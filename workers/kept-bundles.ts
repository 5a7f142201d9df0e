import {
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { WorkflowBundle } from '@temporalio/worker';

/** A bundle that no worker has asked for in so long is thrown away. Milliseconds. */
const UNUSED_MS = 90 * 24 * 3_600_000;

/**
 * The workflow code of each version that ran here, in the state folder: workers of a later version serve the runs that an
 * earlier one left, until they hand over.
 */
export class KeptBundles {
  readonly #folder: string;
  readonly #sdk: string;

  /** @param sdk version of the SDK, and what else a bundle was made with: one made with something else is not used */
  constructor(home: string, sdk: string) {
    this.#folder = path.join(home, 'workflows');
    this.#sdk = sdk;
  }

  #file(build: string): string {
    return path.join(this.#folder, `${build.replaceAll(/[^\w.-]/g, '_')}@${this.#sdk}.js`);
  }

  /** Keeps the code of a build. @throws the system's error where the folder can't be written */
  keep(build: string, code: string): void {
    const file = this.#file(build);
    if (existsSync(file)) {
      this.#used(file);
      return;
    }
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    writeFileSync(`${file}.${process.pid}`, code);
    renameSync(`${file}.${process.pid}`, file);
    this.#sweep();
  }

  /** The code of a build, or undefined where it never ran here, or ran with another SDK. */
  find(build: string): WorkflowBundle | undefined {
    const file = this.#file(build);
    if (!existsSync(file)) return undefined;
    this.#used(file);
    return { code: readFileSync(file, 'utf8') };
  }

  #used(file: string): void {
    const now = new Date();
    utimesSync(file, now, now);
  }

  #sweep(): void {
    for (const name of globSync('*.js*', { cwd: this.#folder })) {
      const file = path.join(this.#folder, name);
      if (Date.now() - statSync(file).mtimeMs > UNUSED_MS) rmSync(file, { force: true });
    }
  }
}
