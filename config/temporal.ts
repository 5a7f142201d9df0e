import { z } from 'zod';
import { buildCodec, type CodecKey, codecShape } from './codec.ts';
import type { ConfigProblem } from './errors.ts';
import { absolutePath, hostPort, onOff, webAddress } from './fields.ts';
import { type TlsFiles, tlsFiles, tlsProblems } from './tls.ts';

export interface TemporalSettings {
  /** `host:port`. */
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl?: string;
  /** Present when TLS is spoken; the files could be used at load. */
  readonly tls?: TlsFiles & {
    /** The name that the server's certificate must have, where it is not that of the address. */
    readonly serverName?: string;
  };
  /** Keys that payloads are encrypted with: the first one encrypts, all of them decrypt. Empty: payloads are plain. */
  readonly codecKeys: readonly CodecKey[];
}

/** The variables of Temporal. */
export const temporalShape = {
  TEMPORAL_ADDRESS: hostPort.default('127.0.0.1:7233'),
  TEMPORAL_NAMESPACE: z.string().trim().default('default'),
  TEMPORAL_UI_URL: webAddress.optional(),
  TEMPORAL_TLS: onOff.optional(),
  TEMPORAL_TLS_CERT_FILE: absolutePath.optional(),
  TEMPORAL_TLS_KEY_FILE: absolutePath.optional(),
  TEMPORAL_TLS_CA_FILE: absolutePath.optional(),
  TEMPORAL_TLS_SERVER_NAME: z.string().trim().optional(),
  ...codecShape,
};
type TemporalVariables = z.output<z.ZodObject<typeof temporalShape>>;

/** How to reach Temporal. Problems are added to the list. */
export function buildTemporal(set: TemporalVariables, problems: ConfigProblem[]): TemporalSettings {
  const files = tlsFiles(set.TEMPORAL_TLS_CERT_FILE, set.TEMPORAL_TLS_KEY_FILE, set.TEMPORAL_TLS_CA_FILE);
  problems.push(
    ...tlsProblems(files, {
      certFile: { variable: 'TEMPORAL_TLS_CERT_FILE' },
      keyFile: { variable: 'TEMPORAL_TLS_KEY_FILE' },
      caFile: { variable: 'TEMPORAL_TLS_CA_FILE' },
    }),
  );
  const serverName = set.TEMPORAL_TLS_SERVER_NAME;
  const wanted = Object.keys(files).length > 0 || serverName !== undefined;
  if (wanted && set.TEMPORAL_TLS === false) {
    problems.push({
      code: 'conflicting_variables',
      variable: 'TEMPORAL_TLS',
      text: 'is off, but other variables of TLS with Temporal are set; unset the one or the other',
    });
  }
  return {
    address: set.TEMPORAL_ADDRESS,
    namespace: set.TEMPORAL_NAMESPACE,
    ...(set.TEMPORAL_UI_URL !== undefined && { uiUrl: set.TEMPORAL_UI_URL }),
    ...((wanted || set.TEMPORAL_TLS === true) && {
      tls: { ...files, ...(serverName !== undefined && { serverName }) },
    }),
    codecKeys: buildCodec(set, problems),
  };
}
