import type { EventLines } from '../../activities/types.ts';
import type { EventFigures } from '../../domain/intake.ts';
import type { ScanJobState } from './state.ts';

/** What one planning turn lists of a supply. `last`: the job lists nothing behind it. */
export interface SupplyTurn {
  readonly events: readonly EventLines[];
  readonly last: boolean;
}

/** Where a job's items come from when it lists no storage: they are supplied while it runs. */
export interface Supply {
  /** No activity of it is in flight. */
  readonly quiet: boolean;
  /**
   * What the next turn lists, if there is something now. Its end is told by `planned` or `giveBack` before the next.
   * @param open pages that are listed and not closed
   */
  take(state: ScanJobState, open: number): SupplyTurn | undefined;
  /** @param page the page that lists it; undefined when there is none */
  planned(page: string | undefined): void;
  giveBack(): void;
  /** A page is closed, and no action is left to be carried out on what was found on it. */
  closed(page: string): void;
  /** Some items of a page are listed again, on another one, before the first is `closed`. */
  again(page: string, as: string): void;
  /** The job is cancelled: what waits is not scanned. Returns how much waited. */
  drop(): number;
  figures(): EventFigures;
}
