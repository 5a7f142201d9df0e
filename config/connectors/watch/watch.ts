import { z } from 'zod';
import type { PullSettings } from '../../../connectors/feed-settings.ts';
import { parseSeconds } from '../../../domain/duration.ts';
import { PULLS } from '../../../domain/watch.ts';
import { integer, name } from '../../fields.ts';
import { pullSchema } from './pull.ts';
import { type WebhookSettings, webhookSchema } from './webhook.ts';

/** How a connector hears of what arrives. */
export interface WatchSettings {
  readonly webhook?: WebhookSettings;
  readonly pull?: PullSettings;
  /** Seconds between two sweeps that find what no event brought. Absent: there are none. */
  readonly reconcile?: number;
  /** Name of the scanner that judges; absent: the default one. */
  readonly scanner?: string;
  /** Workflows that share the events of the connector by location. Absent: one. */
  readonly shards?: number;
}

const RECONCILE = { least: 600, most: 31 * 86_400, usual: 86_400 };
const ACCEPTED = 'must be a length of time from 10m to 31d, as 24h, or off';

/** Null: off, which YAML reads as text, and some write as a boolean. */
const reconcile = z.union([z.string(), z.boolean(), z.number()], { error: ACCEPTED }).transform((input, context) => {
  if (/^(off|false|no)$/i.test(String(input).trim())) return null;
  const seconds = parseSeconds(String(input));
  if (seconds !== undefined && seconds >= RECONCILE.least && seconds <= RECONCILE.most) return seconds;
  context.issues.push({ code: 'custom', input, message: ACCEPTED });
  return z.NEVER;
});

/** One takes some 900 events a second; more than this share one machine's scanners in any case. */
const MOST_SHARDS = 16;

const asFields = { error: 'must be a set of fields, each with a colon: webhook, pull, reconcile, scanner or shards' };

/** `watch:` of a connector. */
export const watchSchema = z
  .strictObject(
    {
      webhook: webhookSchema.optional(),
      pull: pullSchema.optional(),
      reconcile: reconcile.default(RECONCILE.usual),
      scanner: name.optional(),
      shards: integer(1, MOST_SHARDS).optional(),
    },
    asFields,
  )
  .transform(({ webhook, pull, reconcile, scanner, shards }): WatchSettings => {
    return {
      ...(scanner !== undefined && { scanner }),
      ...(shards !== undefined && { shards }),
      ...(webhook !== undefined && { webhook }),
      ...(pull !== undefined && { pull }),
      ...(reconcile !== null && { reconcile }),
    };
  });

/** What is wrong with this watch on a connector of this kind: the field and the remedy; undefined: nothing. */
export function watchFault(
  kind: string,
  watch: WatchSettings,
): { readonly field: readonly string[]; readonly message: string } | undefined {
  if (watch.webhook === undefined && watch.pull === undefined && watch.reconcile === undefined) {
    return { field: [], message: 'watches nothing: give webhook or pull, or leave watch out' };
  }
  const fitting = (PULLS as Readonly<Record<string, string>>)[kind];
  if (watch.pull === undefined || watch.pull.kind === fitting) return undefined;
  const remedy = fitting === undefined ? 'leave pull out' : `use pull: ${fitting}`;
  return { field: ['pull'], message: `${watch.pull.kind} is no source of a ${kind} connector: ${remedy}` };
}
