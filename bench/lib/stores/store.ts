import type { Connector } from '../../../connectors/connector.ts';
import type { Hidden } from '../../../domain/hidden.ts';

/** A storage to be measured, read by our connector and by a bare loop of its vendor's SDK. */
export interface BenchStore {
  readonly title: string;
  put(name: string, bytes: Uint8Array): Promise<void>;
  connector(): Promise<Connector>;
  /** What names each object below a folder, by the SDK alone. */
  list(folder: string): AsyncIterable<string>;
  /** Reads one object to its end, by the SDK alone. @returns its bytes */
  read(name: string): Promise<number>;
  /**
   * The same with the proof that our connector gives and the SDK does not: that the bytes are those of one version, and those that the
   * store has a hash of.
   * @throws Error when they are not
   */
  prove?(name: string): Promise<number>;
  stop(): Promise<void>;
}

/** Kinds that can be measured here. */
export const STORES = {
  s3: async () => (await import('./s3.ts')).benchS3(),
  azure: async () => (await import('./azure.ts')).benchAzure(),
  gcs: async () => (await import('./gcs.ts')).benchGcs(),
  graph: async () => (await import('./graph.ts')).benchGraph(),
} satisfies Record<string, () => Promise<BenchStore>>;

/** How many bytes a stream gives. */
export async function drained(body: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const chunk of body) bytes += chunk.length;
  return bytes;
}

/** A secret as a connector takes it. */
export function hidden(value: string): Hidden {
  return { reveal: () => value };
}
