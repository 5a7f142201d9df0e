import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, type Logger, type WorkflowBundle } from '@temporalio/worker';
import { FAILURE_CONVERTER } from '../codec/data-converter.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
/** What the bundle is made of: everything that workflow code may import. */
const SOURCES = ['package-lock.json', 'workflows/**/*.ts', 'domain/**/*.ts', 'ledger/types.ts', 'activities/types.ts'];

/**
 * The workflow code as Temporal runs it. Bundling takes a second or two, so the bundle is kept in a folder under the hash of
 * its sources; where that folder can't be written, it is made anew each time.
 *
 * @param encrypted the bundle of workers that encrypt payloads: it differs in how failures are written down
 */
export async function workflowBundle(
  cache: string | undefined,
  logger: Logger,
  encrypted = false,
): Promise<WorkflowBundle> {
  const file =
    cache === undefined
      ? undefined
      : path.join(cache, `workflows-${workflowHash()}${encrypted ? '-encrypted' : ''}.js`);
  if (file !== undefined && existsSync(file)) return { code: readFileSync(file, 'utf8') };
  const bundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)),
    ...(encrypted && { failureConverterPath: FAILURE_CONVERTER }),
    logger,
  });
  if (file !== undefined) keep(file, bundle.code);
  return bundle;
}

/** Hash of everything that the bundle is made of. */
export function workflowHash(): string {
  const hash = createHash('sha256');
  for (const name of globSync(SOURCES, { cwd: ROOT }).sort()) {
    hash
      .update(name)
      .update('\0')
      .update(readFileSync(path.join(ROOT, name)))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}

function keep(file: string, code: string): void {
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(`${file}.${process.pid}`, code);
    renameSync(`${file}.${process.pid}`, file);
  } catch {
    // A read-only installation bundles at each start.
  }
}
