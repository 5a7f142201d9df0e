import { isIP } from 'node:net';
import type { ConnectorDefinition, DefinitionValue } from '../../domain/connector-entry.ts';
import type { Hidden } from '../../domain/hidden.ts';
import { type AllowedTarget, isAddressAllowed, isHostAllowed, LOOPBACK } from '../../net/allowed.ts';
import { nearest } from '../nearest.ts';
import { Secret } from '../secret.ts';
import {
  ADDRESS_FIELDS,
  type ConnectorSettings,
  connectorSchema,
  fieldsOf,
  HOST_FIELDS,
  SECRET_FIELDS,
} from './connectors.ts';
import { isVendorHost } from './vendor-hosts.ts';

/** What is wrong with a definition, with a message that goes on from the field's name. */
export interface DefinitionFault {
  /** `asset`, `watch.webhook.0.secret`. */
  readonly field: string;
  readonly message: string;
}

export interface DefinitionRules {
  /** What references stand for, by the names of their variables. */
  readonly secrets: Readonly<Record<string, Hidden>>;
  /** Of `DSXCONNECT_ALLOWED_ADDRESSES`. */
  readonly allowed: readonly AllowedTarget[];
  /** It was made where only this machine itself is let in. */
  readonly local: boolean;
}

/** Variables that definitions may refer to begin so: no other secret of a process can be asked for. */
export const SECRET_PREFIX = 'DSX_SECRET_';
const REFERENCE = /^\$\{(DSX_SECRET_[A-Z0-9_]{1,100})\}$/;

/** The variables of a process that definitions may refer to, by name. */
export function definitionSecrets(env: NodeJS.ProcessEnv): Readonly<Record<string, Secret>> {
  const named = Object.entries(env).filter(([name, value]) => name.startsWith(SECRET_PREFIX) && (value ?? '') !== '');
  return Object.fromEntries(named.map(([name, value]) => [name, new Secret(value ?? '')]));
}

/** Deeper ones are none of ours. */
const DEEPEST = 8;

/**
 * The settings of a connector that was defined through the API, under stricter rules than those of the configuration file, since whoever
 * defines it need not be who runs the workers:
 * - secrets are named (`${DSX_SECRET_NAME}`), and nothing else refers to the environment
 * - addresses are a vendor's own, or allowed by name (a range allows only the addresses themselves)
 * - files and profiles of the workers' hosts are not named
 *
 * A secret that is not set in this process is no fault: who needs it says so.
 */
export function connectorFrom(
  definition: ConnectorDefinition,
  rules: DefinitionRules,
): { readonly connector: ConnectorSettings } | { readonly faults: readonly DefinitionFault[] } {
  const faults: DefinitionFault[] = [];
  const fields = resolved(definition, [], rules, faults) as ConnectorDefinition;
  if (faults.length > 0) return { faults };
  const parsed = connectorSchema.safeParse(fields);
  if (parsed.success) return { connector: parsed.data };
  return { faults: parsed.error.issues.flatMap((issue) => fromIssue(issue, fields)) };
}

/** The same value, with the references that are set replaced. */
function resolved(
  value: DefinitionValue,
  path: readonly string[],
  rules: DefinitionRules,
  faults: DefinitionFault[],
): DefinitionValue {
  const refuse = (message: string): DefinitionValue => {
    faults.push({ field: path.join('.'), message });
    return value;
  };
  if (path.length > DEEPEST) return refuse('is nested deeper than any field is');
  // A list has its field's name.
  const field = path.findLast((part) => !/^\d+$/.test(part)) ?? '';
  if (Array.isArray(value)) return value.map((part, index) => resolved(part, [...path, String(index)], rules, faults));
  if (typeof value === 'object' && value !== null) {
    const parts = Object.entries(value).map(([name, part]) => [name, resolved(part, [...path, name], rules, faults)]);
    return Object.fromEntries(parts) as DefinitionValue;
  }
  if (HOST_FIELDS.has(field)) {
    return refuse("names something of the workers' hosts: connectors with it are written into dsx-connect.yaml");
  }
  if (SECRET_FIELDS.has(field)) {
    const [, variable] = REFERENCE.exec(String(value)) ?? [];
    if (variable === undefined) {
      return refuse(
        `must name a variable of the workers, as \${${SECRET_PREFIX}NAME}: secrets themselves are not kept`,
      );
    }
    return rules.secrets[variable]?.reveal() ?? value;
  }
  if (typeof value === 'string' && value.replaceAll('$${', '').includes('${')) {
    return refuse('must not refer to a variable: only fields of secrets do ($${ stands for ${ itself)');
  }
  if (ADDRESS_FIELDS.has(field) && typeof value === 'string' && !mayBeNamed(value, rules)) {
    return refuse(
      'is an address of neither the vendor nor DSXCONNECT_ALLOWED_ADDRESSES, which whoever runs the API and the workers sets',
    );
  }
  return typeof value === 'string' ? value.replaceAll('$${', '${') : value;
}

/** Whether the host of an address, with or without a scheme and a port, may be asked. */
function mayBeNamed(text: string, { allowed, local }: DefinitionRules): boolean {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`;
  if (!URL.canParse(url)) return false;
  const { hostname, username, password } = new URL(url);
  if (username !== '' || password !== '') return false;
  const host = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  const may = local ? [...allowed, ...LOOPBACK] : allowed;
  if (isIP(host) !== 0) return isAddressAllowed(host, may);
  return isVendorHost(host) || isHostAllowed(host, may);
}

interface Issue {
  readonly code?: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
}

function fromIssue(issue: Issue, fields: ConnectorDefinition): DefinitionFault[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys' && issue.keys !== undefined) {
    const known = path.length === 0 ? fieldsOf(fields.kind) : [];
    return issue.keys.map((key) => {
      const like = nearest(key, known);
      const hint = like?.alike ? `; did you mean ${like.word}?` : '';
      return { field: [...path, key].join('.'), message: `is not a field${hint}` };
    });
  }
  const at = path.reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], fields);
  const message = at === undefined ? `is missing; it ${issue.message}` : issue.message;
  return [{ field: path.join('.') || 'definition', message }];
}
