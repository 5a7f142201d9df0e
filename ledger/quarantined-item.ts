import type { ActionRow } from '../domain/action.ts';
import type { Source } from '../domain/job.ts';
import type { Quarantined } from './quarantine.ts';
import { isUndoable } from './restores.ts';

/** An item that a job moved, and that no restore put back, as clients are told of it: never what only its connector understands. */
export interface QuarantinedItem
  extends Pick<
    ActionRow,
    'finding' | 'item' | 'location' | 'locationBytes' | 'action' | 'destination' | 'version' | 'sha256' | 'threat'
  > {
  readonly source: Source;
  /** The job that moved it: what a restore names. The one that found it is named in `finding`. */
  readonly job: string;
  readonly by: string;
  readonly at: string;
  readonly restorable: boolean;
}

export function quarantinedItem({ source, job, row }: Quarantined): QuarantinedItem {
  const { finding, item, location, locationBytes, action, destination, version, sha256, threat, by, at } = row;
  return {
    source,
    job,
    finding,
    item,
    location,
    ...(locationBytes !== undefined && { locationBytes }),
    action,
    ...(destination !== undefined && { destination }),
    version,
    ...(sha256 !== undefined && { sha256 }),
    ...(threat !== undefined && { threat }),
    by,
    at,
    restorable: isUndoable(row),
  };
}
