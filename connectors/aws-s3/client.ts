import { S3Client } from '@aws-sdk/client-s3';
import { fromIni, fromNodeProviderChain, fromTemporaryCredentials, fromTokenFile } from '@aws-sdk/credential-providers';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { messageOf, systemCode } from '../../domain/errors.ts';
import { ConnectorError } from '../errors.ts';
import type { AwsS3Access, AwsS3Settings } from './settings.ts';

/** A connection that is not made, and one on which nothing comes, in milliseconds. */
const CONNECT_MS = 10_000;
const SILENT_MS = 60_000;
/** More than a worker has items in flight. */
const MAX_SOCKETS = 512;

type Provider = ReturnType<typeof fromNodeProviderChain>;

/** A client that asks once: whoever calls waits and tries again. */
export function createClient(settings: AwsS3Settings): S3Client {
  const { endpoint, region = endpoint === undefined ? undefined : 'us-east-1' } = settings;
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS };
  const client = new S3Client({
    credentials: providerOf(settings, region),
    maxAttempts: 1,
    followRegionRedirects: false,
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    forcePathStyle: settings.pathStyle ?? endpoint !== undefined,
    ...(settings.useFips !== undefined && { useFipsEndpoint: settings.useFips }),
    requestHandler: new NodeHttpHandler({
      connectionTimeout: CONNECT_MS,
      socketTimeout: SILENT_MS,
      socketAcquisitionWarningTimeout: SILENT_MS,
      httpAgent: agent,
      httpsAgent: agent,
    }),
    // Its warnings name nothing that the errors do not; nor is every request prepared for a log, which costs more than it seems.
    logger: { trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
  client.middlewareStack.remove('loggerMiddleware');
  const found = client.config.region;
  client.config.region = async () => {
    try {
      return await found();
    } catch (error) {
      throw new ConnectorError('configuration', `connector ${settings.id} has no region: set region`, { cause: error });
    }
  };
  return client;
}

function quiet(): void {}

/** Who asks, for any service of Amazon. */
export function providerOf(settings: AwsS3Settings, region: string | undefined): Provider {
  const { role } = settings;
  const clientConfig = { maxAttempts: 1, ...(region !== undefined && { region }) };
  const own = accessOf(settings.access);
  if (role === undefined) return explained(own, 'getting credentials');
  const { roleArn, externalId, sessionName = 'dsx-connect', webIdentityTokenFile } = role;
  const doing = `taking on the role ${roleArn}`;
  if (webIdentityTokenFile !== undefined) {
    const token = { roleArn, webIdentityTokenFile, roleSessionName: sessionName, clientConfig };
    return explained(fromTokenFile(token), doing);
  }
  return explained(
    (options) =>
      fromTemporaryCredentials({
        masterCredentials: own,
        params: {
          RoleArn: roleArn,
          RoleSessionName: sessionName,
          ...(externalId !== undefined && { ExternalId: externalId.reveal() }),
        },
        clientConfig,
      })(options),
    doing,
  );
}

function accessOf(access: AwsS3Access): Provider {
  if (access.kind === 'default') return fromNodeProviderChain();
  if (access.kind === 'profile') return fromIni({ profile: access.profile });
  return async () => ({
    accessKeyId: access.accessKeyId.reveal(),
    secretAccessKey: access.secretAccessKey.reveal(),
    ...(access.sessionToken !== undefined && { sessionToken: access.sessionToken.reveal() }),
  });
}

/** Errors of the provider are about credentials, whatever they say; without a connection there are none. */
function explained(provider: Provider, doing: string): Provider {
  return async (options) => {
    try {
      return await provider(options);
    } catch (error) {
      const code = systemCode(error) !== undefined && systemCode(error) !== 'ENOENT' ? 'unreachable' : 'credentials';
      throw new ConnectorError(code, `${doing}: ${messageOf(error)}`, { cause: error });
    }
  };
}
