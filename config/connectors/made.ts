import type { ConnectorEntry } from '../../domain/connector-entry.ts';
import type { CommonConfig } from '../common.ts';
import { connectorFrom } from './definition.ts';
import type { ConnectorSettings } from './settings.ts';

type Around = Pick<CommonConfig, 'connectors' | 'definitionSecrets' | 'allowedAddresses'>;

/**
 * What this process makes of a connector that was made through the API; undefined where it can't use it, for a reason that is said: the
 * configuration file has its id, or its addresses are not allowed here.
 */
export function madeSettings(
  { id, definition, local }: ConnectorEntry,
  { connectors, definitionSecrets: secrets, allowedAddresses: allowed }: Around,
  say: (problem: string) => void,
): ConnectorSettings | undefined {
  const refuse = (why: string): undefined => {
    say(`the connector ${id} that was made through the API is left out: ${why}`);
    return undefined;
  };
  if (connectors.some((one) => one.id === id)) return refuse('dsx-connect.yaml has one of the same id');
  const read = connectorFrom(definition, { secrets, allowed, local });
  if ('connector' in read) return read.connector;
  const [fault] = read.faults;
  return refuse(`${fault?.field} ${fault?.message}`);
}

/** The same configuration, whose connectors are those of the file and, at each moment, those that were made through the API. */
export function withMade<Config extends Pick<CommonConfig, 'connectors'>>(
  config: Config,
  made: { readonly all: readonly { readonly settings: ConnectorSettings }[] },
): Config {
  let from: (typeof made)['all'] | undefined;
  let all: readonly ConnectorSettings[] = config.connectors;
  return {
    ...config,
    get connectors() {
      if (from !== made.all) {
        from = made.all;
        all = [...config.connectors, ...from.map(({ settings }) => settings)];
      }
      return all;
    },
  };
}
