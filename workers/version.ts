import { readFileSync } from 'node:fs';
import type { WorkerDeploymentVersion } from '@temporalio/common';
import { workflowHash } from './workflow-bundle.ts';

/** The name under which Temporal knows the workers of this product. */
export const DEPLOYMENT = 'dsx-connect';

/**
 * What a run is pinned to: the product's version and a hash of the workflow code, so that two builds of one version whose
 * workflows differ are two.
 */
export function ownVersion(): WorkerDeploymentVersion {
  return { deploymentName: DEPLOYMENT, buildId: `${packageField('../package.json', 'version')}-${workflowHash()}` };
}

/** Version of the SDK that bundles are made with; a bundle runs only under the same one. */
export function sdkVersion(): string {
  return packageField('../node_modules/@temporalio/worker/package.json', 'version');
}

function packageField(file: string, field: string): string {
  const content = JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')) as Record<string, string>;
  return content[field] ?? 'unknown';
}
