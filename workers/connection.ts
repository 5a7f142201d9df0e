import type { DataConverter } from '@temporalio/common';
import { NativeConnection } from '@temporalio/worker';
import { dataConverter } from '../codec/data-converter.ts';
import type { TemporalSettings } from '../config/common.ts';
import { readTls } from '../config/tls.ts';

/** The worker's connection. @throws when Temporal can't be reached at the address */
export function connectTemporal(settings: TemporalSettings): Promise<NativeConnection> {
  const { address, tls } = settings;
  if (tls === undefined) return NativeConnection.connect({ address });
  const { cert, key, ca } = readTls(tls);
  return NativeConnection.connect({
    address,
    tls: {
      ...(ca !== undefined && { serverRootCACertificate: ca }),
      ...(cert !== undefined && key !== undefined && { clientCertPair: { crt: cert, key } }),
      ...(tls.serverName !== undefined && { serverNameOverride: tls.serverName }),
    },
  });
}

/** How the workers and their clients write payloads. */
export function converterOf({ codecKeys }: TemporalSettings): DataConverter {
  return dataConverter(codecKeys);
}
