import type { ItemRef } from './item.ts';
import type { Told } from './remote.ts';

/**
 * One change of a storage that a source told of: an item was created or written anew. Deletions, renames of folders, test
 * messages and changes of tags alone are no events; the parsers of `intake/` leave them out.
 */
export interface StorageEvent extends ItemRef {
  /** The source's own name of this event or delivery, unique within its connector. A repeat has the same one. */
  readonly id: string;
  /**
   * The content's version as the source names it (ETag and version id, generation, cTag). Only compared with other events of the
   * same connector: the same location with the same version is a repeat. Absent where the source names none.
   */
  readonly version?: string;
  /**
   * Of two events of one location the one with the greater text (compared by code unit) is the newer. Sequencers and generations
   * are padded to a fixed width by their parser. Absent where the source gives no order: then the later arrival is the newer.
   */
  readonly order?: string;
  /** What the source tells of the item, where nobody but the source can look at it. */
  readonly told?: Told;
  /** When it happened, by the source, ISO 8601 in UTC. */
  readonly at: string;
}
