import { isIP } from 'node:net';
import type { ConnectorDefinition, DefinitionValue } from '../../domain/connector-entry.ts';
import type { Hidden } from '../../domain/hidden.ts';
import { type AllowedTarget, isAddressAllowed, isHostAllowed, LOOPBACK } from '../../net/allowed.ts';
import { nearest } from '../nearest.ts';
import { Secret } from '../secret.ts';
import { strayIdentity } from './ambient.ts';
import {
  type ConnectorSettings,
  connectorSchema,
  fieldsOf,
  HOST_FIELDS,
  SECRET_FIELDS,
  serviceAt,
} from './connectors.ts';
import { isVendorHost, type VendorService } from './vendor-hosts.ts';

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

/**
 * Told to an address that the definition chooses, in a form that can be read there (whoever owns a role of AWS reads the external id in its
 * logs): never a secret of the workers, so it is written as it is.
 */
const TOLD_FIELDS: ReadonlySet<string> = new Set(['externalId']);

/** Deeper ones are none of ours. */
const DEEPEST = 8;

/**
 * The settings of a connector that was defined through the API, under stricter rules than those of the configuration file, since whoever
 * defines it need not be who runs the workers:
 * - secrets are named (`${DSX_SECRET_NAME}`), and nothing else refers to the environment
 * - addresses are the vendor's own for what is asked there, or allowed by name (a range allows only the addresses themselves)
 * - a token of the identity that the workers have of their platform goes to the vendor alone
 * - files and profiles of the workers' hosts are not named
 *
 * A secret that is not set in this process is no fault: who needs it says so.
 */
export function connectorFrom(
  definition: ConnectorDefinition,
  rules: DefinitionRules,
): { readonly connector: ConnectorSettings } | { readonly faults: readonly DefinitionFault[] } {
  const faults: DefinitionFault[] = [];
  const fields = resolved(definition, [], { ...rules, kind: definition.kind }, faults) as ConnectorDefinition;
  if (faults.length > 0) return { faults };
  const parsed = connectorSchema.safeParse(fields);
  if (parsed.success) {
    const field = strayIdentity(parsed.data);
    return field === undefined ? { connector: parsed.data } : { faults: [{ field, message: STRAY }] };
  }
  return { faults: parsed.error.issues.flatMap((issue) => fromIssue(issue, fields)) };
}

const STRAY = "would be sent a token of the workers' own identity, which goes to the vendor alone: name credentials";

/** The same value, with the references that are set replaced. */
function resolved(
  value: DefinitionValue,
  path: readonly string[],
  rules: DefinitionRules & { readonly kind: unknown },
  faults: DefinitionFault[],
): DefinitionValue {
  const refuse = (message: string): DefinitionValue => {
    faults.push({ field: path.join('.'), message });
    return value;
  };
  if (path.length > DEEPEST) return refuse('is nested deeper than any field is');
  // A list has its field's name.
  const names = path.filter((part) => !/^\d+$/.test(part));
  const field = names.at(-1) ?? '';
  if (Array.isArray(value)) return value.map((part, index) => resolved(part, [...path, String(index)], rules, faults));
  if (typeof value === 'object' && value !== null) {
    const parts = Object.entries(value).map(([name, part]) => [name, resolved(part, [...path, name], rules, faults)]);
    return Object.fromEntries(parts) as DefinitionValue;
  }
  if (HOST_FIELDS.has(field)) {
    return refuse("names something of the workers' hosts: connectors with it are written into dsx-connect.yaml");
  }
  if (SECRET_FIELDS.has(field) && !TOLD_FIELDS.has(field)) {
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
  const service = serviceAt(rules.kind, names);
  if (service !== undefined && typeof value === 'string' && !mayBeNamed(value, service, rules)) {
    return refuse(
      'is an address of neither the vendor nor DSXCONNECT_ALLOWED_ADDRESSES, which whoever runs the API and the workers sets',
    );
  }
  return typeof value === 'string' ? value.replaceAll('$${', '${') : value;
}

/** Whether the host of an address, with or without a scheme and a port, may be asked. */
function mayBeNamed(text: string, service: VendorService | 'none', { allowed, local }: DefinitionRules): boolean {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`;
  if (!URL.canParse(url)) return false;
  const { hostname, username, password } = new URL(url);
  if (username !== '' || password !== '') return false;
  const host = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  const may = local ? [...allowed, ...LOOPBACK] : allowed;
  if (isIP(host) !== 0) return isAddressAllowed(host, may);
  if (service !== 'none' && isVendorHost(host, service)) return true;
  // What is asked is a host below a suffix.
  return isHostAllowed(service === 'azure-suffix' ? `account.blob.${host}` : host, may);
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
