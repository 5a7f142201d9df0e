import { z } from 'zod';
import { buildCommon, type CommonConfig, commonShape, finish, parseVariables } from './common.ts';
import { missingSecrets } from './connectors/secret-field.ts';
import type { ConfigProblem } from './errors.ts';
import { bytes, integer, name } from './fields.ts';

export const WORKER_ROLES = ['orchestrator', 'scan'] as const;
export type WorkerRole = (typeof WORKER_ROLES)[number];

/**
 * - `on`: runs are pinned to this version's workflow code; it becomes the current one when it is new to the server
 * - `current`: the same, and every start makes it the current one: for a stack whose workers are all of one version
 * - `off`: no versions; new workers take up the runs of old ones, which must replay under them
 */
export const WORKER_VERSIONING = ['on', 'current', 'off'] as const;
export type WorkerVersioning = (typeof WORKER_VERSIONING)[number];

/** Everything a worker process is told. Frozen. */
export interface WorkerConfig extends CommonConfig {
  readonly roles: readonly WorkerRole[];
  /** Absent: this worker serves the connectors that have no site. */
  readonly site?: string;
  /** Most items and bytes of a page. */
  readonly page: { readonly items: number; readonly bytes: number };
  /** Pages of full scans that this worker has in hand at once, and as many of requested scans. */
  readonly pageSlots: number;
  readonly versioning: WorkerVersioning;
  /** A page waits so long in front of a scanner or storage that is gone before it is handed back. Milliseconds. */
  readonly patienceMs: number;
}

const roles = z.string().transform((input, context): WorkerRole[] => {
  const named = input.split(/[\s,]+/).filter((part) => part !== '');
  const wrong = named.find((part) => !WORKER_ROLES.some((role) => role === part));
  const found = WORKER_ROLES.filter((role) => named.includes(role));
  if (wrong === undefined && found.length > 0) return found;
  context.issues.push({ code: 'custom', input, message: 'must be orchestrator, scan or both with a comma' });
  return z.NEVER;
});

const versioning = z.enum(WORKER_VERSIONING, { error: `must be one of ${WORKER_VERSIONING.join(', ')}` });

/** The variables of a worker. */
export const workerSchema = z.strictObject({
  ...commonShape,
  DSXCONNECT_WORKER_ROLES: roles.default([...WORKER_ROLES]),
  DSXCONNECT_SITE: name.optional(),
  DSXCONNECT_PAGE_ITEMS: integer(1, 10_000).default(5000),
  DSXCONNECT_PAGE_BYTES: bytes.default(1_073_741_824),
  DSXCONNECT_PAGE_SLOTS: integer(1, 64).default(4),
  DSXCONNECT_WORKER_VERSIONING: versioning.default('on'),
  DSXCONNECT_PATIENCE: integer(1, 600).default(30),
});

/**
 * Reads the environment and the configuration file of a worker.
 * @throws ConfigError naming every variable, field and line that is wrong, and what to do
 */
export function loadWorkerConfig(env: NodeJS.ProcessEnv): WorkerConfig {
  const problems: ConfigProblem[] = [];
  const set = parseVariables(env, 'worker', workerSchema, problems);
  const scans = set.DSXCONNECT_WORKER_ROLES.includes('scan');
  const common = buildCommon(env, set, problems, ({ site }) => scans && site === set.DSXCONNECT_SITE);
  if (set.DSXCONNECT_WORKER_ROLES.includes('orchestrator')) problems.push(...unsetSecrets(common));
  const config: WorkerConfig = {
    ...common,
    roles: set.DSXCONNECT_WORKER_ROLES,
    ...(set.DSXCONNECT_SITE !== undefined && { site: set.DSXCONNECT_SITE }),
    page: { items: set.DSXCONNECT_PAGE_ITEMS, bytes: set.DSXCONNECT_PAGE_BYTES },
    pageSlots: set.DSXCONNECT_PAGE_SLOTS,
    versioning: set.DSXCONNECT_WORKER_VERSIONING,
    patienceMs: set.DSXCONNECT_PATIENCE * 1000,
  };
  return finish(config, problems);
}

/** What the sinks need, and this process was not given. */
function unsetSecrets({ results, configFile }: CommonConfig): ConfigProblem[] {
  return results.flatMap((sink, index) =>
    missingSecrets(sink).map(({ field, variable }): ConfigProblem => {
      const text = `refers to \${${variable}}, which is not set; set the variable where the orchestrators run`;
      const file = configFile === undefined ? {} : { file: configFile };
      return { code: 'missing_reference', ...file, field: `results[${index}].${field}`, text };
    }),
  );
}
