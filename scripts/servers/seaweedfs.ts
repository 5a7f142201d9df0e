import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { installPart } from '../install/part.ts';
import { freePorts } from './ports.ts';
import { startTied } from './tied.ts';

/** An S3 store on 127.0.0.1. Keys of one identity that may do everything. */
export interface S3Server {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Ends it, and removes what it kept, unless it kept it in a folder that was named. */
  stop(): Promise<void>;
}

const LOOPBACK = '127.0.0.1';
/** On a busy machine it takes some seconds. */
const READY_MS = 60_000;
const ACCESS_KEY = 'dsx-test';
const SECRET_KEY = 'dsx-test-secret';

/**
 * Starts SeaweedFS on free ports of 127.0.0.1, installing it first where it is missing. Ready when S3 answers; it ends with this
 * process.
 * @param options `folder`: absolute folder of its state, which then stays; the default is a temporary one
 * @throws Error with what it said
 */
export async function startSeaweedfs(options: { readonly folder?: string } = {}): Promise<S3Server> {
  const weed = path.join(await installPart('seaweedfs'), 'bin/weed');
  const [s3 = 0, s3Grpc = 0, ...others] = await freePorts(10);
  const [master, masterGrpc, volume, volumeGrpc, filer, filerGrpc, admin, adminGrpc] = others;
  const endpoint = `http://${LOOPBACK}:${s3}`;
  const server = await startTied(
    'seaweedfs',
    (folder) => {
      const state = options.folder ?? path.join(folder, 'state');
      mkdirSync(state, { recursive: true });
      const identities = path.join(folder, 's3.json');
      writeFileSync(identities, JSON.stringify(IDENTITIES), { mode: 0o600 });
      const args = [
        ['dir', state],
        ['ip', LOOPBACK],
        ['ip.bind', LOOPBACK],
        ['s3.port', s3],
        ['s3.port.grpc', s3Grpc],
        ['s3.config', identities],
        ['s3.localSocket', path.join(folder, 's3.sock')],
        ['s3.port.iceberg', 0],
        ['s3.port.lance', 0],
        ['master.port', master],
        ['master.port.grpc', masterGrpc],
        ['master.telemetry', false],
        ['volume.port', volume],
        ['volume.port.grpc', volumeGrpc],
        ['filer.port', filer],
        ['filer.port.grpc', filerGrpc],
        ['filer.localSocket', path.join(folder, 'filer.sock')],
        ['admin.port', admin],
        ['admin.port.grpc', adminGrpc],
        ['admin.ui', false],
        ['webdav', false],
      ];
      // It makes these in /tmp, whatever it is told.
      const sockets = { s3: s3Grpc, master: masterGrpc, volume: volumeGrpc, filer: filerGrpc, admin: adminGrpc };
      const leaves = Object.entries(sockets).map(([part, port]) => `/tmp/seaweedfs-${part}-grpc-${port}.sock`);
      return { file: weed, args: ['mini', ...args.map(([name, value]) => `-${name}=${value}`)], leaves };
    },
    () => answers(endpoint),
    READY_MS,
  );
  return {
    endpoint,
    accessKeyId: ACCESS_KEY,
    secretAccessKey: SECRET_KEY,
    stop: server.stop,
  };
}

const IDENTITIES = {
  identities: [
    {
      name: 'dsx-test',
      credentials: [{ accessKey: ACCESS_KEY, secretKey: SECRET_KEY }],
      actions: ['Admin', 'Read', 'Write', 'List', 'Tagging'],
    },
  ],
};

/** Any answer below 500 comes from a gateway that has reached the rest. */
async function answers(endpoint: string): Promise<boolean> {
  try {
    return (await fetch(`${endpoint}/status`)).status < 500;
  } catch {
    return false;
  }
}
