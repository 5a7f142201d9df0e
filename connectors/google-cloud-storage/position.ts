import type { Position } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import { type Place, type Stretch, shown } from './place.ts';

/** How far a listing has come. */
export interface Reached {
  /** Index of the asset being listed; that of none once all are. */
  asset: number;
  /** Where its listing goes on, in the service's order; empty: at its beginning. */
  at: string;
  /** The object of this very key has been dealt with. */
  behind: boolean;
  /** Entries outside the scope that no event has told of yet. */
  outside: number;
  /** The asset being listed has shown that it is large, which spares the next listing the time to find out. */
  large: boolean;
}

/** The assets are named, not numbered: a position outlives a change of the settings that leaves its asset in place. */
export function positionOf(place: Place, { asset, at, behind, outside, large }: Reached): Position {
  const current = place.assets[asset];
  return current === undefined
    ? { done: true, outside }
    : { asset: shown(current), at, behind, outside, ...(large && { large }) };
}

/** @throws ConnectorError `configuration` for what is no position of a listing of these assets */
export function parsePosition(place: Place, from: Position | undefined): Reached {
  if (from === undefined) return { asset: 0, at: '', behind: false, outside: 0, large: false };
  const { asset, at, behind, outside, done } = from;
  const large = from.large === true;
  if (typeof outside === 'number' && outside >= 0) {
    if (done === true) return { asset: place.assets.length, at: '', behind: false, outside, large };
    const index = place.assets.findIndex((one: Stretch) => shown(one) === asset);
    if (index !== -1 && typeof at === 'string' && typeof behind === 'boolean') {
      return { asset: index, at, behind, outside, large };
    }
  }
  const text = `${JSON.stringify(from).slice(0, 200)} is no position of a listing of connector ${place.id}`;
  throw new ConnectorError('configuration', `${text}; start the scan anew`);
}
