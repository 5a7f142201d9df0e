import { startFakeGcs } from '../../../../scripts/servers/fake-gcs.ts';
import { tell } from '../apart.ts';

/** What the bench learns of the fake. */
export interface FakeGcsFacts {
  readonly endpoint: string;
}

const { endpoint, stop } = await startFakeGcs();
tell({ endpoint } satisfies FakeGcsFacts, stop);
