import path from 'node:path';
import { type Check, type Fault, type SourceFile, writeFault } from './check.ts';
import { projectPaths, readSources } from './files.ts';
import { importFaults } from './imports.ts';
import { type LockFile, type PackageJson, temporalFaults, versionFaults } from './packages.ts';
import { lengthFaults, linkFaults, wordFaults } from './sources.ts';
import { formatFaults, promiseFaults, typeFaults } from './tools.ts';
import { validatorFaults } from './validators.ts';

/** Faults printed per check; the rest is counted. */
const SHOWN = 30;

/** Every check of the project at `root`, which is read now. */
export async function allChecks(root: string): Promise<Check[]> {
  const paths = await projectPaths(root);
  const files = readSources(root, paths);
  const manifest = json<PackageJson>(files, 'package.json');
  const dependencies = Object.keys(manifest.dependencies ?? {});
  return [
    { name: 'types', run: () => typeFaults(root) },
    { name: 'format', run: () => formatFaults(root) },
    { name: 'promises', run: () => promiseFaults(root) },
    { name: 'imports', run: () => importFaults(files, dependencies) },
    { name: 'versions', run: () => versionFaults(manifest) },
    { name: 'temporal', run: () => temporalFaults(json<LockFile>(files, 'package-lock.json')) },
    { name: 'length', run: () => lengthFaults(files) },
    { name: 'words', run: () => wordFaults(files) },
    { name: 'links', run: () => linkFaults(files, paths) },
    { name: 'validators', run: () => validatorFaults(files) },
  ];
}

function json<T>(files: readonly SourceFile[], name: string): T {
  return JSON.parse(files.find((file) => file.path === name)?.text ?? '{}') as T;
}

/** Runs the checks one after another and says how each went: `ok name`, or `FAIL name: …` with what was found below it. */
export async function runChecks(
  root = path.resolve(import.meta.dirname, '../..'),
  say: (line: string) => void = console.log,
): Promise<{ passed: number; failed: number }> {
  let passed = 0;
  let failed = 0;
  for (const check of await allChecks(root)) {
    const faults = await faultsOf(check);
    if (faults.length === 0) {
      passed += 1;
      say(`ok ${check.name}`);
      continue;
    }
    failed += 1;
    say(`FAIL ${check.name}: ${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}`);
    for (const fault of faults.slice(0, SHOWN)) say(`  ${writeFault(fault)}`);
    if (faults.length > SHOWN) say(`  and ${faults.length - SHOWN} more`);
  }
  return { passed, failed };
}

async function faultsOf(check: Check): Promise<readonly Fault[]> {
  try {
    return await check.run();
  } catch (error) {
    return [{ text: `the check itself failed: ${error instanceof Error ? error.message : String(error)}` }];
  }
}

if (import.meta.main) {
  const { failed } = await runChecks();
  process.exitCode = failed === 0 ? 0 : 1;
}
