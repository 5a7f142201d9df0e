/** Bundles the workflow code into the place where a worker looks for it first. Run when an image is built. */
import path from 'node:path';
import { DefaultLogger } from '@temporalio/worker';
import { workflowBundle } from '../../workers/workflow-bundle.ts';

for (const encrypted of [false, true]) {
  await workflowBundle(path.resolve(import.meta.dirname, '../../.parts/bundles'), new DefaultLogger('WARN'), encrypted);
}
