import type { ReadableStream } from 'node:stream/web';
import tls from 'node:tls';
import { ClientSecretCredential } from '@azure/identity';
import { AuthenticationHandler, Client, HTTPMessageHandler } from '@microsoft/microsoft-graph-client';
import { TokenCredentialAuthenticationProvider } from '@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials/index.js';
import { createGraphConnector } from '../../../connectors/graph/connector.ts';
import { startApart } from './apart.ts';
import type { GraphFacts } from './servers/graph.ts';
import { type BenchStore, drained, hidden } from './store.ts';

interface Child {
  readonly id: string;
  readonly size: number;
  readonly cTag: string;
  readonly '@microsoft.graph.downloadUrl': string;
}

export async function benchGraph(): Promise<BenchStore> {
  const server = await startApart<GraphFacts>('graph.ts');
  const { origin, tokenOrigin, certificate, tenantId, clientId, clientSecret, host, driveId } = server.facts;
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), certificate]);
  const credential = new ClientSecretCredential(tenantId, clientId, clientSecret, {
    authorityHost: tokenOrigin,
    disableInstanceDiscovery: true,
    retryOptions: { maxRetries: 0 },
  });
  // The client's own chain without its retries; its fetch keeps connections alive, and follows where the content is.
  const client = Client.initWithMiddleware({
    baseUrl: `${origin}/`,
    customHosts: new Set(['127.0.0.1']),
    middleware: [
      new AuthenticationHandler(
        new TokenCredentialAuthenticationProvider(credential, { scopes: ['https://graph.microsoft.com/.default'] }),
      ),
      new HTTPMessageHandler(),
    ],
  });
  const itemOf = (id: string) => client.api(`/drives/${driveId}/items/${id}`);
  return {
    title: 'sharepoint on the stand-in for Graph',
    async put(name, bytes) {
      await client.api(`/drives/${driveId}/root:/${name}:/content`).put(Buffer.from(bytes));
    },
    connector: async () =>
      createGraphConnector({
        kind: 'sharepoint',
        id: 'bench',
        tenantId,
        clientId,
        clientSecret: hidden(clientSecret),
        cloud: 'global',
        graphUrl: origin,
        authorityUrl: tokenOrigin,
        place: { host, readings: [{ site: '/sites/Finance', library: 'Shared Documents', folder: '' }] },
      }),
    async *list(folder) {
      const path = `/drives/${driveId}/root:/${folder.replace(/\/$/, '')}:/children`;
      let page = await client.api(path).select('id').top(999).get();
      for (;;) {
        for (const { id } of page.value as Child[]) yield id;
        const next = page['@odata.nextLink'];
        if (next === undefined) return;
        page = await client.api(next).get();
      }
    },
    async read(id) {
      return drained((await itemOf(`${id}/content`).getStream()) as ReadableStream<Uint8Array>);
    },
    async prove(id) {
      const seen = (await itemOf(id).select(['size', 'cTag', '@microsoft.graph.downloadUrl']).get()) as Child;
      const { body } = await fetch(seen['@microsoft.graph.downloadUrl']);
      const bytes = await drained(body as ReadableStream<Uint8Array>);
      const now = (await itemOf(id).select('cTag').get()) as Child;
      if (bytes !== seen.size || now.cTag !== seen.cTag) throw new Error(`${id} is another one now`);
      return bytes;
    },
    stop: () => server.stop(),
  };
}
