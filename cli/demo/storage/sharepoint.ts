import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGraphFake } from '../../../scripts/servers/graph/fake.ts';
import { apart, DEMO_QUARANTINE, type DemoStorage, reference } from './storage.ts';

/** What SharePoint takes in no name: these characters, spaces at the ends of a part, and a path of over 400 characters. */
const REFUSED = /["*:<>?\\|\p{Cc}]|(^|\/) | (\/|$)|(^|\/)~\$|(^|\/)\.\.\.?(\/|$)|\/\/|^.{400,}$/u;

/** A document library in a stand-in for Microsoft Graph. */
export async function startSharepointStorage(): Promise<DemoStorage> {
  const fake = await startGraphFake();
  const folder = await mkdtemp(join(tmpdir(), 'dsx-demo-trust-'));
  const certificate = join(folder, 'graph.pem');
  await writeFile(certificate, fake.certificate);
  const taken = new Set<string>();
  return {
    title: `a document library in a stand-in for Microsoft Graph at ${fake.origin}`,
    connector: {
      kind: 'sharepoint',
      asset: `https://${fake.host}/sites/Finance/Shared%20Documents`,
      quarantine: DEMO_QUARANTINE,
      tenantId: fake.tenantId,
      clientId: fake.clientId,
      clientSecret: reference('DEMO_CLIENT_SECRET'),
      graphUrl: fake.origin,
      authorityUrl: fake.tokenOrigin,
    },
    env: { DEMO_CLIENT_SECRET: fake.clientSecret, NODE_EXTRA_CA_CERTS: certificate },
    holds(location) {
      // Names that differ only in case or in the form of their characters are one to SharePoint.
      const folded = location.normalize('NFC').toLowerCase();
      if (REFUSED.test(location) || taken.has(folded)) return false;
      taken.add(folded);
      return true;
    },
    async put(path, bytes) {
      fake.library.put(path, bytes);
    },
    async contents() {
      const found = new Map<string, string>();
      for (const [path, bytes] of fake.library.contents()) {
        found.set(path, createHash('sha256').update(bytes).digest('hex'));
      }
      return apart(found);
    },
    async stop() {
      await fake.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
