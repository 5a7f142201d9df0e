import { z } from 'zod';
import { REMOTE_STATES } from '../../domain/remote.ts';

/** Longest location or name, in characters. */
const LONG = 8_192;

/** What the former product's connectors send has members that nobody here needs: they are let through and left. */
const text = z.string().max(LONG);
const optionalText = text.nullish();

export const connectorModel = z.looseObject({
  name: z.string().max(200).default('connector'),
  display_name: optionalText,
  uuid: z.guid().nullish(),
  meta_info: optionalText,
  url: z.string().max(2_048).default(''),
  status: z.enum(REMOTE_STATES).catch('ready').default('starting'),
  item_action: z.string().max(64).default('nothing'),
  item_action_move_metainfo: text.default(''),
  asset: text.default(''),
  asset_display_name: optionalText,
  filter: text.default(''),
});
export type ConnectorModel = z.output<typeof connectorModel>;

export const scanRequestModel = z.looseObject({
  connector: z.looseObject({ uuid: z.guid().nullish() }).nullish(),
  location: z.string().min(1).max(LONG),
  metainfo: text,
  connector_url: optionalText,
  size_in_bytes: z.int().nonnegative().nullish(),
  scan_job_id: z.string().max(200).nullish(),
});
export type ScanRequestModel = z.output<typeof scanRequestModel>;

/** Items of one batch at most. */
export const MOST_BATCH = 10_000;
/** Items of one task of a batch at most. */
export const MOST_PART = 100;
export const batchModel = z.looseObject({
  requests: z.array(scanRequestModel).max(MOST_BATCH),
  batch_size: z.int().catch(10).default(10),
});

/** A count that is none is not believed. */
export const enqueueDoneModel = z.looseObject({ enqueued_total: z.int().nonnegative().optional().catch(undefined) });

/** What scripts and connectors of the former product are answered with. */
export const statusResponse = z.looseObject({
  status: z.enum(['success', 'error', 'nothing']),
  message: z.string(),
  description: z.string().nullable(),
});
export const detail = z.object({ detail: z.unknown() });
