import type { ConnectorDefinition, DefinitionValue } from '../domain/connector-entry.ts';

/** The definition in a body: all of its members but the revision that was seen. A body is JSON, so its members are. */
export function definitionOf(body: { readonly [member: string]: unknown }): ConnectorDefinition {
  const { revision: _, ...definition } = body;
  return definition as { readonly [field: string]: DefinitionValue };
}
