import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import { createPayloadCodec, type PayloadKey } from './payload-codec.ts';

/** The module that bundles of workflow code need when payloads are encrypted. */
export const FAILURE_CONVERTER = fileURLToPath(new URL('./failure-converter.ts', import.meta.url));

/** What every client and worker of Temporal here is given: one that opens encrypted payloads, or says why it can't. */
export function dataConverter(keys: readonly PayloadKey[]): DataConverter {
  return {
    payloadCodecs: [createPayloadCodec(keys)],
    ...(keys.length > 0 && { failureConverterPath: FAILURE_CONVERTER }),
  };
}
