import { z } from 'zod';
import { ITEM_ACTIONS, type ItemAction } from '../domain/action.ts';
import { FilterError, parseFilter } from '../domain/filter/filter.ts';
import { absolutePath, bytes, name } from './fields.ts';

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
    },
    { error: 'must be a set of fields, each with a colon' },
  )
  .superRefine((connector, context) => {
    const { asset, quarantine } = connector;
    if (quarantine === undefined) return;
    if (asset !== quarantine && !asset.startsWith(quarantine === '/' ? '/' : `${quarantine}/`)) return;
    const message = 'must not be the asset or a folder above it: everything below it is left out of scans';
    context.addIssue({ code: 'custom', path: ['quarantine'], message });
  });
