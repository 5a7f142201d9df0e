import { z } from 'zod';
import { ITEM_ACTIONS, type ItemAction } from '../domain/action.ts';
import { FilterError, parseFilter } from '../domain/filter/filter.ts';
import { LONGEST_ACTIONS_WINDOW } from '../domain/job.ts';
import { absolutePath, bytes, duration, integer, name } from './fields.ts';

/** A connector of the configuration: a named binding to one storage. */
export interface ConnectorSettings {
  readonly id: string;
  readonly kind: 'filesystem';
  /** Absolute folder. */
  readonly asset: string;
  /** As it was written; it parses. Empty: everything. */
  readonly filter: string;
  readonly action: ItemAction;
  /** Absolute folder, neither the asset nor above it. Absent: whoever starts a scan chooses. */
  readonly quarantine?: string;
  /** Bytes. Absent: no limit of our own. */
  readonly maxSize?: number;
  readonly site?: string;
  /** Item actions within the window that need nobody's approval. Absent: no limit. */
  readonly maxActions?: number;
  /** Seconds. */
  readonly maxActionsWindow?: number;
}

const accepted = ITEM_ACTIONS.join(', ');

/** Any case; `move_tag` is another spelling of `movetag`. */
const action = z.string({ error: `must be one of ${accepted}` }).transform((input, context): ItemAction => {
  const wanted = input.trim().toLowerCase().replace(/[_-]/g, '');
  const found = ITEM_ACTIONS.find((known) => known === wanted);
  if (found !== undefined) return found;
  context.issues.push({ code: 'custom', input, message: `must be one of ${accepted}` });
  return z.NEVER;
});

const filter = z.string({ error: 'must be text; put quotes around it' }).superRefine((input, context) => {
  try {
    parseFilter(input);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    context.addIssue({
      code: 'custom',
      message: `the filter does not parse at column ${error.column}: ${error.message}`,
    });
  }
});

/** Job and workflow ids of folders that are no connector begin so. */
const FOLDER_PREFIX = 'folder-';

const id = name.refine((value) => !value.startsWith(FOLDER_PREFIX), {
  error: `must not start with ${FOLDER_PREFIX}, which is kept for folders that are scanned without a connector`,
});

/** One entry of `connectors:` in the file. */
export const connectorSchema = z
  .strictObject(
    {
      id,
      kind: z.literal('filesystem', { error: 'must be filesystem' }),
      asset: absolutePath,
      filter: filter.default(''),
      action: action.default('nothing'),
      quarantine: absolutePath.optional(),
      maxSize: bytes.optional(),
      site: name.optional(),
      maxActions: integer(0, 1_000_000_000).optional(),
      maxActionsWindow: duration(LONGEST_ACTIONS_WINDOW, 'must be a length of time up to 31d, as 1h or 30m').optional(),
    },
    { error: 'must be a set of fields, each with a colon' },
  )
  .superRefine((connector, context) => {
    const { asset, quarantine, maxActions, maxActionsWindow } = connector;
    if (maxActionsWindow !== undefined && maxActions === undefined) {
      const message = 'needs maxActions: how many actions the window lets pass';
      context.addIssue({ code: 'custom', path: ['maxActionsWindow'], message });
    }
    if (quarantine === undefined) return;
    if (asset !== quarantine && !asset.startsWith(quarantine === '/' ? '/' : `${quarantine}/`)) return;
    const message = 'must not be the asset or a folder above it: everything below it is left out of scans';
    context.addIssue({ code: 'custom', path: ['quarantine'], message });
  });
