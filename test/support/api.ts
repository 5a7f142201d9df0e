import path from 'node:path';
import { pino } from 'pino';
import { createApi } from '../../api/app.ts';
import { buildDeps } from '../../api/build.ts';
import { type ApiClient, createApiClient } from '../../api/client.ts';
import { serve, stopServing } from '../../api/server.ts';
import { loadApiConfig } from '../../config/api.ts';
import type { Plant } from './plant.ts';

export interface RealApi {
  readonly origin: string;
  readonly client: ApiClient;
  stop(): Promise<void>;
}

/** The API as it runs, before the Temporal, the ledger and the scanner of a plant. */
export async function startRealApi(plant: Plant, env: Record<string, string> = {}): Promise<RealApi> {
  const stopping = new AbortController();
  const config = loadApiConfig({
    HOME: plant.home,
    DSX_HOME: path.join(plant.home, 'state'),
    TEMPORAL_ADDRESS: plant.temporal.address,
    DSXA_STANDIN_URL: plant.standin.url,
    ...env,
  });
  const { deps, close } = await buildDeps(config, pino({ level: 'silent' }), stopping.signal);
  const { server, port } = await serve(createApi(deps), { host: '127.0.0.1', port: 0 });
  const origin = `http://127.0.0.1:${port}`;
  return {
    origin,
    client: createApiClient({ origin }),
    async stop() {
      stopping.abort();
      await stopServing(server, 1_000);
      await close();
    },
  };
}
