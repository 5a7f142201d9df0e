import type { EventFigures } from '../domain/intake.ts';
import { StatusUnavailable } from '../status/errors.ts';
import type { ConnectorResource } from './contract.ts';
import type { ApiDeps } from './deps.ts';

/** The same connectors, each with how its on-access jobs stand, as far as the status can be asked. */
export async function withEvents(
  { status }: Pick<ApiDeps, 'status'>,
  connectors: readonly ConnectorResource[],
): Promise<readonly ConnectorResource[]> {
  if (status === undefined) return connectors;
  try {
    const jobs = await Promise.all((await status.open()).map((job) => status.job(job)));
    const bySource = new Map<string, EventFigures[]>();
    for (const job of jobs) {
      const { source, events } = job?.progress ?? {};
      if (source?.kind !== 'connector' || events === undefined) continue;
      bySource.set(source.id, [...(bySource.get(source.id) ?? []), events]);
    }
    return connectors.map((connector) => {
      const events = bySource.get(connector.id)?.sort((a, b) => a.shard - b.shard);
      return events === undefined ? connector : { ...connector, events };
    });
  } catch (error) {
    if (error instanceof StatusUnavailable) return connectors;
    throw error;
  }
}
