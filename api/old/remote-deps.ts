import type { Pushes } from './pushes.ts';
import type { RemoteDoor } from './remote-door.ts';
import type { Remotes } from './remotes.ts';

/** What the routes of remote connectors stand on. */
export interface RemoteDeps {
  readonly remotes: Remotes;
  readonly door: RemoteDoor;
  readonly pushes: Pushes;
  /** As `PushedListing.quietMs`. */
  readonly quietMs: number;
}
