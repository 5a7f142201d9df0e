import { z } from 'zod';
import type { Position } from '../../connector.ts';
import { ConnectorError } from '../../errors.ts';

/** A folder that came into the asset with all that is in it: what is left of listing it. */
const FOLDER = z.strictObject({ id: z.string().min(1), link: z.string().optional() });

const DRIVE = z.strictObject({
  /** Path and query of what is asked for next: a page of a round of changes, or the beginning of the next round. */
  link: z.string().min(1),
  /** `link` is a page within a round. */
  within: z.boolean(),
  /** Folders that this round brought, of which its end tells whether they came with all that is in them. */
  maybe: z.array(z.string()),
  folders: z.array(FOLDER),
});

/** How far the changes of one drive have been given. */
export type DriveCursor = z.infer<typeof DRIVE>;
/** By the id of the drive. */
export type GraphCursor = Readonly<Record<string, DriveCursor>>;

export function cursorOf(drives: GraphCursor): Position {
  return { drives };
}

/** @throws ConnectorError `configuration` for what is no cursor of a drive's changes */
export function parseCursor(from: Position | undefined): GraphCursor {
  if (from === undefined) return {};
  const parsed = z.strictObject({ drives: z.record(z.string(), DRIVE) }).safeParse(from);
  if (parsed.success) return parsed.data.drives;
  const message = `${JSON.stringify(from).slice(0, 200)} is no cursor of a drive's changes`;
  throw new ConnectorError('configuration', message);
}
