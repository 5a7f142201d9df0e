import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { installLocked } from '../install/npm.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const FOLDER = path.join(ROOT, '.parts/azurite');
const PINS = path.join(ROOT, 'scripts/install/azurite');
const mainOf = (service: AzuriteService): string =>
  path.join(FOLDER, `node_modules/azurite/dist/src/${service}/main.js`);

const ACCOUNT = 'dsxtest';
/** Loaded before Azurite: it ends, and takes its state with it, when its parent has let go of it, however the parent ended. */
const endWithParent = (state: string): string =>
  `data:text/javascript,${encodeURIComponent(`import fs from 'node:fs';
process.once('disconnect', () => {
  fs.rmSync(${JSON.stringify(state)}, { recursive: true, force: true });
  process.exit(0);
});`)}`;
const LISTENS = /successfully listens on (http:\/\/127\.0\.0\.1:\d+)/;

export type AzuriteService = 'blob' | 'queue';

export interface AzuriteServer {
  /** URL of the service, the account in its path. */
  readonly endpoint: string;
  readonly account: string;
  /** Base64, made anew at every start. */
  readonly key: string;
  readonly connectionString: string;
  /** Ends the server, waits until it is gone, and removes its state. */
  stop(): Promise<void>;
}

/**
 * Starts Azurite's blob service, or that of queues, on a free port of 127.0.0.1, with an account of its own and its state in a temporary folder. Installs
 * it first, once. Ends with this process.
 * @throws Error naming what npm or Azurite said
 */
export async function startAzurite(service: AzuriteService = 'blob'): Promise<AzuriteServer> {
  await installLocked(PINS, FOLDER);
  const key = randomBytes(64).toString('base64');
  const state = await mkdtemp(path.join(os.tmpdir(), 'dsx-azurite-'));
  const place = ['--location', state, `--${service}Host`, '127.0.0.1', `--${service}Port`, '0'];
  const child = spawn(
    process.execPath,
    [
      '--import',
      endWithParent(state),
      mainOf(service),
      '--skipApiVersionCheck',
      '--disableTelemetry',
      '--silent',
      ...place,
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { PATH: process.env.PATH, HOME: state, AZURITE_ACCOUNTS: `${ACCOUNT}:${key}` },
    },
  );
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const stop = async () => {
    child.kill('SIGKILL');
    await gone;
    await rm(state, { recursive: true, force: true });
  };
  try {
    const base = await ready(child, gone);
    const endpoint = `${base}/${ACCOUNT}`;
    const named = service === 'blob' ? { BlobEndpoint: endpoint } : { QueueEndpoint: endpoint };
    const fields = { DefaultEndpointsProtocol: 'http', AccountName: ACCOUNT, AccountKey: key, ...named };
    const parts = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
    return { endpoint, account: ACCOUNT, key, connectionString: `${parts.join(';')};`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The address that it listens on, once it answers there. */
async function ready(child: ChildProcess, gone: Promise<void>): Promise<string> {
  let output = '';
  const base = await new Promise<string>((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      output += chunk.toString();
      const address = LISTENS.exec(output)?.[1];
      if (address !== undefined) resolve(address);
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    void gone.then(() => reject(new Error(`Azurite did not start:\n${output}`)));
  });
  // Any answer will do: an anonymous request is refused.
  const answer = await fetch(`${base}/${ACCOUNT}?comp=list`);
  await answer.arrayBuffer();
  return base;
}
