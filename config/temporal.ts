import { z } from 'zod';
import type { ConfigProblem } from './errors.ts';
import { absolutePath, hostPort, onOff, webAddress } from './fields.ts';
import { unreadable } from './files.ts';

export interface TemporalSettings {
  /** `host:port`. */
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl?: string;
  /** Present when TLS is spoken; the files are PEM and could be read at load. */
  readonly tls?: { readonly certFile?: string; readonly keyFile?: string; readonly caFile?: string };
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
};
type TemporalVariables = z.output<z.ZodObject<typeof temporalShape>>;

/** How to reach Temporal. Problems are added to the list. */
export function buildTemporal(set: TemporalVariables, problems: ConfigProblem[]): TemporalSettings {
  const files = {
    ...(set.TEMPORAL_TLS_CERT_FILE !== undefined && { certFile: set.TEMPORAL_TLS_CERT_FILE }),
    ...(set.TEMPORAL_TLS_KEY_FILE !== undefined && { keyFile: set.TEMPORAL_TLS_KEY_FILE }),
    ...(set.TEMPORAL_TLS_CA_FILE !== undefined && { caFile: set.TEMPORAL_TLS_CA_FILE }),
  };
  for (const name of ['TEMPORAL_TLS_CERT_FILE', 'TEMPORAL_TLS_KEY_FILE', 'TEMPORAL_TLS_CA_FILE'] as const) {
    const file = set[name];
    const problem = file === undefined ? undefined : unreadable(file, { variable: name });
    if (problem !== undefined) problems.push(problem);
  }
  if ((files.certFile === undefined) !== (files.keyFile === undefined)) {
    const variable = files.certFile === undefined ? 'TEMPORAL_TLS_CERT_FILE' : 'TEMPORAL_TLS_KEY_FILE';
    problems.push({
      code: 'conflicting_variables',
      variable,
      text: 'a client certificate needs both its file and its key; set this one too',
    });
  }
  const wanted = Object.keys(files).length > 0;
  if (wanted && set.TEMPORAL_TLS === false) {
    problems.push({
      code: 'conflicting_variables',
      variable: 'TEMPORAL_TLS',
      text: 'is off, but TLS files for Temporal are named; unset the one or the other',
    });
  }
  return {
    address: set.TEMPORAL_ADDRESS,
    namespace: set.TEMPORAL_NAMESPACE,
    ...(set.TEMPORAL_UI_URL !== undefined && { uiUrl: set.TEMPORAL_UI_URL }),
    ...((wanted || set.TEMPORAL_TLS === true) && { tls: files }),
  };
}
