import type { Role } from '../domain/role.ts';
import type { AuditEntry } from '../ledger/audit-log.ts';

/** What travels about keys and the audit log: a part of the contract (`contract.ts`). */

/** One entry of `GET /keys`. Never holds the key or its hash. */
export interface KeyResource {
  readonly id: string;
  /** The beginning of the key, by which its owner knows it again. */
  readonly prefix: string;
  readonly name: string;
  readonly role: Role;
  readonly state: 'live' | 'expired' | 'rotated' | 'revoked';
  readonly createdBy: string;
  readonly createdAt: string;
  readonly expiresAt?: string;
  /** The key whose place it takes. */
  readonly replaces?: string;
  /** The key that takes its place, and when it ends. */
  readonly replacedBy?: string;
  readonly endsAt?: string;
  /** The last day (UTC, as `2026-11-23`) on which it was used. */
  readonly lastUsed?: string;
}
export interface KeyList {
  readonly keys: readonly KeyResource[];
}
/** `POST /keys`. */
export interface NewKeyBody {
  /** Lower-case letters, digits, `.`, `_`, `-`; at most 63 characters. The actor is `key:<name>`. */
  readonly name: string;
  readonly role: Role;
  /** ISO 8601, UTC. */
  readonly expiresAt?: string;
}
/** `POST /keys/:key/rotate`; the body may be left out. */
export interface RotateKeyBody {
  /** The old key counts for so long, 0 to 2,592,000; default 86,400. */
  readonly graceSeconds?: number;
  readonly expiresAt?: string;
}
/** Answer of `POST /keys` and `POST /keys/:key/rotate` (201). */
export interface NewKeyAnswer extends KeyResource {
  /** The key itself. It is shown here and never again. */
  readonly key: string;
}

/** `POST /connectors/:id/key/rotate`; the body may be left out. */
export interface RotateConnectorKeyBody {
  /** The key before counts for so long, 0 to 2,592,000; default 600. */
  readonly graceSeconds?: number;
}
/** Answer of it (201). The key itself is told to the connector alone, when it registers. */
export interface ConnectorKeyAnswer {
  /** UUID of the connector. */
  readonly connector: string;
  /** The new key. */
  readonly id: string;
  /** The key whose place it takes, and when that one ends; ISO 8601. */
  readonly replaces: string;
  readonly endsAt: string;
}

/** `GET /audit?actor=&limit=&after=`: newest first. `next` may come with few entries, or none. */
export interface AuditList {
  readonly entries: readonly Omit<AuditEntry, 'format'>[];
  readonly next?: string;
}
