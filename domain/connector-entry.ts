/** JSON, as connectors are defined in. */
export type DefinitionValue =
  | string
  | number
  | boolean
  | null
  | readonly DefinitionValue[]
  | { readonly [field: string]: DefinitionValue };

/**
 * What a connector is, in the fields of the configuration file, as they were written: `id`, `kind`, `asset`, … Secrets are named
 * (`${DSX_SECRET_NAME}`), never held.
 */
export type ConnectorDefinition = { readonly [field: string]: DefinitionValue };

/** One state of a connector that was made through the API: the one with the highest revision counts. */
export interface ConnectorEntry {
  readonly format: 1;
  readonly id: string;
  /** 1 when it was made; every change adds one, its deletion too. Who is made anew under a deleted id goes on counting. */
  readonly revision: number;
  /** ISO 8601. */
  readonly at: string;
  /** Who changed it. */
  readonly by: string;
  /** ISO 8601, and who: of the revision that made it. */
  readonly createdAt: string;
  readonly createdBy: string;
  /** It was made where only this machine itself is let in: its addresses may be of this machine too. */
  readonly local: boolean;
  readonly deleted: boolean;
  readonly definition: ConnectorDefinition;
}

export type ConnectorChange = { readonly id: string; readonly actor: string } & (
  | { readonly kind: 'create'; readonly definition: ConnectorDefinition; readonly local: boolean }
  | {
      readonly kind: 'replace';
      readonly definition: ConnectorDefinition;
      readonly local: boolean;
      /** The revision that was seen. */
      readonly revision: number;
    }
  /** Without a revision whatever is there is deleted. */
  | { readonly kind: 'delete'; readonly revision?: number }
);

/**
 * What became of a change.
 * - `exists`: there is one of this id
 * - `missing`: there is none of this id (any more)
 * - `changed`: another revision than the one that was seen is there
 */
export type ChangedConnector =
  | { readonly entry: ConnectorEntry }
  | { readonly refused: 'exists' }
  | { readonly refused: 'missing' }
  | { readonly refused: 'changed'; readonly revision: number };

/** The state that a change leads to, from the one before, at this moment (ms since the epoch). */
export function changedConnector(
  before: ConnectorEntry | undefined,
  change: ConnectorChange,
  now: number,
): ChangedConnector {
  const there = before === undefined || before.deleted ? undefined : before;
  const { id, actor: by } = change;
  const next = { format: 1, id, revision: (before?.revision ?? 0) + 1, at: new Date(now).toISOString(), by } as const;
  if (change.kind === 'create') {
    if (there !== undefined) return { refused: 'exists' };
    const { definition, local } = change;
    return { entry: { ...next, createdAt: next.at, createdBy: by, local, deleted: false, definition } };
  }
  if (there === undefined) return { refused: 'missing' };
  if (change.revision !== undefined && change.revision !== there.revision) {
    return { refused: 'changed', revision: there.revision };
  }
  const { createdAt, createdBy } = there;
  if (change.kind === 'delete') {
    const { local, definition } = there;
    return { entry: { ...next, createdAt, createdBy, local, deleted: true, definition } };
  }
  const { definition, local } = change;
  return { entry: { ...next, createdAt, createdBy, local, deleted: false, definition } };
}
