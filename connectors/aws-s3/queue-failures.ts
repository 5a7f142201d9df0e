import { SQSServiceException } from '@aws-sdk/client-sqs';
import { messageOf, systemCode } from '../../domain/errors.ts';
import { type ConnectorCode, ConnectorError } from '../errors.ts';

/** What SQS's error names mean. */
const CODES: Readonly<Record<string, ConnectorCode>> = {
  QueueDoesNotExist: 'configuration',
  'AWS.SimpleQueueService.NonExistentQueue': 'configuration',
  InvalidAddress: 'configuration',
  UnsupportedOperation: 'configuration',
  KmsDisabled: 'configuration',
  KmsNotFound: 'configuration',
  KmsInvalidState: 'configuration',
  AccessDenied: 'credentials',
  AccessDeniedException: 'credentials',
  KmsAccessDenied: 'credentials',
  InvalidSecurity: 'credentials',
  InvalidClientTokenId: 'credentials',
  UnrecognizedClientException: 'credentials',
  ExpiredToken: 'credentials',
  ExpiredTokenException: 'credentials',
  SignatureDoesNotMatch: 'credentials',
  InvalidSignatureException: 'credentials',
  OptInRequired: 'credentials',
  RequestThrottled: 'throttled',
  ThrottlingException: 'throttled',
  Throttling: 'throttled',
  KmsThrottled: 'throttled',
  OverLimit: 'throttled',
};

const REMEDIES: Partial<Record<ConnectorCode, string>> = {
  configuration: 'correct queueUrl, region and endpoint',
  credentials: 'renew the credentials, or grant sqs:ReceiveMessage, sqs:DeleteMessage and sqs:ChangeMessageVisibility',
};

/** The connector's error for whatever the SDK raised. */
export function queueFailure(error: unknown, doing: string): ConnectorError {
  if (error instanceof ConnectorError) return error;
  const { code, said } = meaning(error);
  const remedy = REMEDIES[code];
  return new ConnectorError(code, `${doing}: ${said}${remedy === undefined ? '' : `; ${remedy}`}`, { cause: error });
}

function meaning(error: unknown): { readonly code: ConnectorCode; readonly said: string } {
  if (!(error instanceof SQSServiceException)) {
    const { name } = error instanceof Error ? error : { name: '' };
    if (name === 'CredentialsProviderError') return { code: 'credentials', said: messageOf(error) };
    const silent = name === 'TimeoutError' || systemCode(error) !== undefined;
    return { code: silent ? 'unreachable' : 'storage_error', said: messageOf(error) };
  }
  const status = error.$metadata.httpStatusCode ?? 0;
  const known = CODES[error.name] ?? (status === 403 ? 'credentials' : status === 429 ? 'throttled' : undefined);
  return {
    code: known ?? (status === 404 ? 'configuration' : 'storage_error'),
    said: `${error.name} (HTTP ${status})`,
  };
}
