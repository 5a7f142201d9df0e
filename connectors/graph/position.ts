import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Position } from '../connector.ts';
import { ConnectorError } from '../errors.ts';

/** How far a listing has come. */
export interface Reached {
  /** Which of the connector's drives is being listed. As many as there are: the end. */
  readonly drive: number;
  /** Path and query of the page in hand; undefined for the first one of a drive. */
  readonly link: string | undefined;
  /** Marks of the items of that page that have been dealt with: a page that is asked for again may hold others, or have another order. */
  readonly dealt: ReadonlySet<string>;
  /** Items outside the scope that no event has told of yet. */
  readonly outside: number;
  /** How often a drive had to be begun anew because Graph no longer knew where its listing was. */
  readonly restarts: number;
}

const POSITION = z.strictObject({
  drive: z.number().int().min(0),
  link: z.string().optional(),
  dealt: z.array(z.string()),
  outside: z.number().int().min(0),
  restarts: z.number().int().min(0).default(0),
});

/** Stands for an item in a position: 48 bits, for a page has but some hundred items. */
export function markOf(id: string): string {
  return createHash('sha256').update(id).digest('base64url').slice(0, 8);
}

export function positionOf({ drive, link, dealt, outside, restarts }: Reached): Position {
  return { drive, ...(link !== undefined && { link }), dealt: [...dealt], outside, ...(restarts > 0 && { restarts }) };
}

/** @throws ConnectorError `configuration` for what is no position of a drive's listing */
export function parsePosition(from: Position | undefined): Reached {
  if (from === undefined) return { drive: 0, link: undefined, dealt: new Set(), outside: 0, restarts: 0 };
  const parsed = POSITION.safeParse(from);
  if (parsed.success) return { ...parsed.data, link: parsed.data.link, dealt: new Set(parsed.data.dealt) };
  const message = `${JSON.stringify(from).slice(0, 200)} is no position of a drive's listing`;
  throw new ConnectorError('configuration', message);
}
