import type { ConnectorSettings } from '../config/connectors/settings.ts';
import { s3Events, locationIn as s3Location } from '../connectors/aws-s3/events.ts';
import { placeOf as s3Place } from '../connectors/aws-s3/place.ts';
import { azureEvents, locationIn as azureLocation } from '../connectors/azure-blob/events.ts';
import { Names } from '../connectors/azure-blob/names.ts';
import type { AzureAccess } from '../connectors/azure-blob/settings.ts';
import { gcsEvents, locationIn as gcsLocation, gcsObjectEvent } from '../connectors/google-cloud-storage/events.ts';
import { placeOf as gcsPlace } from '../connectors/google-cloud-storage/place.ts';
import { messageOf } from '../domain/errors.ts';
import type { Readers } from '../intake/readers.ts';
import type { HookedConnector } from '../intake/webhooks.ts';
import { unheard } from './made-door.ts';

/** The connectors that sources may call for, each with what reads its vendor's events. @throws ConnectorError `configuration` */
export function hookedConnectors(connectors: readonly ConnectorSettings[]): readonly HookedConnector[] {
  return connectors.flatMap((connector) => {
    const webhooks = connector.watch?.webhook ?? [];
    if (webhooks.length === 0) return [];
    const byGraph = connector.kind === 'sharepoint' || connector.kind === 'onedrive';
    const { id } = connector;
    return [{ id, webhooks, readers: readersOf(connector), ...(byGraph && { graph: connector.storage }) }];
  });
}

/**
 * The same of connectors that come and go: one that stays has the same object, so that what its hooks remember stays too. One whose secrets this
 * process was not given is not heard, nor one whose settings can't work, which `say` is told: nobody else goes unheard for it.
 */
export function hookedNow(
  connectors: () => readonly ConnectorSettings[],
  say: (problem: string) => void,
): () => readonly HookedConnector[] {
  const known = new WeakMap<ConnectorSettings, readonly HookedConnector[]>();
  const heard = (connector: ConnectorSettings): readonly HookedConnector[] => {
    if (unheard(connector).length > 0) return [];
    try {
      return hookedConnectors([connector]);
    } catch (error) {
      say(`webhooks of ${connector.id} are not heard: ${messageOf(error)}`);
      return [];
    }
  };
  let from: readonly ConnectorSettings[] | undefined;
  let hooked: readonly HookedConnector[] = [];
  return () => {
    const now = connectors();
    if (now === from) return hooked;
    from = now;
    hooked = now.flatMap((connector) => {
      const found = known.get(connector) ?? heard(connector);
      known.set(connector, found);
      return found;
    });
    return hooked;
  };
}

function readersOf(connector: ConnectorSettings): Readers {
  const { id } = connector;
  const quarantine = connector.quarantine === undefined ? {} : { quarantine: connector.quarantine };
  switch (connector.kind) {
    case 'aws_s3': {
      const place = s3Place({ id, ...connector.storage, ...quarantine });
      const spot = (bucket: string, key: string) => s3Location(place, bucket, key);
      return { kind: 's3', body: (text, at) => s3Events(text, place, at), spot };
    }
    case 'azure_blob_storage': {
      const { assets, access } = connector.storage;
      const account = accountOf(access);
      const names = new Names({ assets, ...quarantine }, account);
      const spot = (container: string, name: string) => azureLocation(names, container, name);
      return { kind: 'azure', body: (text, at) => azureEvents(text, names, account, at), spot };
    }
    case 'google_cloud_storage': {
      const place = gcsPlace({ id, ...connector.storage, ...quarantine });
      return {
        kind: 'gcs',
        message: (message, at) => gcsEvents(message, place, at),
        object: (object, at) => gcsObjectEvent(object, place, at),
        spot: (bucket, key) => gcsLocation(place, bucket, key),
      };
    }
    default:
      return { kind: 'plain' };
  }
}

/** The account that the address names; '' where it does not tell: then events are not told from those of other accounts. */
function accountOf(access: AzureAccess): string {
  if (access.method === 'account-key') return access.account;
  if (access.method === 'connection-string') return '';
  return /^https:\/\/([a-z0-9]{3,24})\.blob\./.exec(access.endpoint)?.[1] ?? '';
}
