import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type GraphFake, startGraphFake } from '../../../scripts/servers/graph/fake.ts';
import { freePorts } from '../../../scripts/servers/ports.ts';
import type { LiveSource } from './live.ts';

const FOLDER = 'Incoming';
const QUARANTINE = 'dsxconnect-quarantine';

export interface LiveGraph extends LiveSource {
  readonly fake: GraphFake;
  /** Variables of the API alone: it is reached by TLS. */
  readonly apiEnv: Readonly<Record<string, string>>;
}

/** A library of the stand-in for Graph, which notifies the API over TLS. The delta is asked so seldom that only notifications are quick. */
export async function liveGraph(): Promise<LiveGraph> {
  const fake = await startGraphFake();
  const [port] = await freePorts(1);
  const folder = mkdtempSync(path.join(tmpdir(), 'dsx-live-graph-'));
  const file = (name: string, text: string): string => {
    const at = path.join(folder, name);
    writeFileSync(at, text, { mode: 0o600 });
    return at;
  };
  const certificate = file('cert.pem', fake.tls.cert);
  fake.library.makeFolder(FOLDER);
  fake.deltas.withFolders = true;
  const inside = (prefix: string) =>
    [...fake.library.contents()]
      .filter(([name]) => name.startsWith(`${prefix}/`))
      .map(([name, bytes]) => ({
        name: name.slice(prefix.length + 1),
        bytes: bytes.toString(),
      }));
  return {
    fake,
    connector: {
      id: 'library',
      kind: 'sharepoint',
      asset: `https://${fake.host}/sites/Finance/Shared%20Documents/${FOLDER}`,
      action: 'move',
      tenantId: fake.tenantId,
      clientId: fake.clientId,
      clientSecret: fake.clientSecret,
      graphUrl: fake.origin,
      authorityUrl: fake.tokenOrigin,
      watch: {
        pull: { delta: { interval: '1h' } },
        webhook: [
          {
            source: 'graph',
            url: `https://127.0.0.1:${port}/dsx-connect/api/v1/events/graph/library`,
            secret: 'a secret of at least sixteen characters',
          },
        ],
      },
    },
    env: { NODE_EXTRA_CA_CERTS: certificate },
    apiEnv: {
      API_PORT: String(port),
      USE_TLS: 'on',
      TLS_CERT_FILE: certificate,
      TLS_KEY_FILE: file('key.pem', fake.tls.key),
    },
    // The delta tells of the library alone, and nothing of the quarantine folder is inside the asset.
    tellsOfQuarantine: false,
    put: async (location, bytes) => {
      const at = `${FOLDER}/${location}`;
      if (fake.library.facts(at) === undefined) fake.library.put(at, bytes);
      else fake.library.overwrite(at, bytes);
    },
    locations: async () => inside(FOLDER).map(({ name }) => name),
    quarantined: async () => inside(QUARANTINE).map(({ bytes }) => bytes),
    close: async () => {
      await fake.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
