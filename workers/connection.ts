import { readFileSync } from 'node:fs';
import { NativeConnection } from '@temporalio/worker';
import type { TemporalSettings } from '../config/common.ts';

/** The worker's connection. @throws when Temporal can't be reached at the address */
export function connectTemporal(settings: TemporalSettings): Promise<NativeConnection> {
  const { tls } = settings;
  if (tls === undefined) return NativeConnection.connect({ address: settings.address });
  const { certFile, keyFile, caFile } = tls;
  return NativeConnection.connect({
    address: settings.address,
    tls: {
      ...(caFile !== undefined && { serverRootCACertificate: readFileSync(caFile) }),
      ...(certFile !== undefined &&
        keyFile !== undefined && { clientCertPair: { crt: readFileSync(certFile), key: readFileSync(keyFile) } }),
    },
  });
}
