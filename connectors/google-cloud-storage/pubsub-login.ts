import { type ClientConfig, PubSub } from '@google-cloud/pubsub';
import { ConnectorError } from '../errors.ts';
import type { PubSubSettings } from '../feed-settings.ts';
import type { GcsSettings } from './settings.ts';

const GOOGLE = 'pubsub.googleapis.com';

/** Pub/Sub as the source's own settings reach it, else the connector's. @throws ConnectorError `configuration` */
export function pubSubOf(connector: GcsSettings, pull: PubSubSettings): PubSub {
  const [, projectId = ''] = pull.subscription.split('/');
  const { endpoint = GOOGLE } = pull;
  // Another address without TLS is asked without a login: a token would be there for all to read.
  const plain = endpoint.startsWith('http://');
  const config: ClientConfig = {
    projectId,
    apiEndpoint: endpoint.replace(/^https?:\/\//, ''),
    emulatorMode: plain,
    ...(plain ? {} : loginOf(connector, pull)),
  };
  return new PubSub(config);
}

function loginOf(connector: GcsSettings, pull: PubSubSettings): Partial<ClientConfig> {
  const own = pull.keyFile !== undefined || pull.credentials !== undefined;
  const { keyFile, credentials } = own ? pull : connector;
  if (keyFile !== undefined) return { keyFilename: keyFile };
  if (credentials === undefined) return {};
  try {
    return { credentials: JSON.parse(credentials.reveal()) as NonNullable<ClientConfig['credentials']> };
  } catch {
    // What it says would show a part of the secret.
    const message = `connector ${connector.id}: credentials must be the JSON text of a credentials file`;
    throw new ConnectorError('configuration', message);
  }
}
