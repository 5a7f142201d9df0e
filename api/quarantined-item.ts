import type { Quarantined } from '../ledger/quarantine.ts';
import { isUndoable } from '../ledger/restores.ts';
import type { QuarantinedItem } from './contract.ts';

/** An item in quarantine as clients are told of it: never what only its connector understands. */
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
