import { z } from 'zod';
import type { GraphAccess, GraphCloud } from '../../connectors/graph/settings.ts';
import { absolutePath, integer } from '../fields.ts';
import type { Secret } from '../secret.ts';
import type { Fields } from './kind.ts';
import { secret } from './secret-field.ts';

/** What SharePoint's hosts end with in each cloud. */
export const CLOUD_HOSTS: Readonly<Record<GraphCloud, string>> = {
  global: '.sharepoint.com',
  usgov: '.sharepoint.us',
  'usgov-dod': '.sharepoint-mil.us',
  china: '.sharepoint.cn',
};

const GUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;
const DOMAIN = /^(?!-)[a-z\d-]+(\.[a-z\d-]+)+$/i;

/** Text without the spaces around it, where `accepts` holds; else no rule between fields is asked. */
export function words(accepted: string, accepts: (text: string) => boolean) {
  return z
    .string({ error: accepted })
    .trim()
    .refine((text) => accepts(text), { error: accepted, abort: true });
}

const origin = z.string({ error: 'must be an https:// address without a path' }).transform((input, context) => {
  const url = URL.canParse(input) ? new URL(input) : undefined;
  if (url?.protocol === 'https:' && `${url.origin}/` === url.href) return url.origin;
  context.issues.push({ code: 'custom', input, message: 'must be an https:// address without user, path and query' });
  return z.NEVER;
});

const clouds = Object.keys(CLOUD_HOSTS);
const cloud = words(`must be one of ${clouds.join(', ')}`, (text) => clouds.includes(text.toLowerCase()));

export const isGuid = (text: string): boolean => GUID.test(text);

/** The fields of every kind that speaks to Microsoft Graph. */
export const graphShape = {
  tenantId: words(
    'must be the id or a domain of the tenant, as contoso.onmicrosoft.com',
    (text) => isGuid(text) || DOMAIN.test(text),
  ),
  clientId: words('must be the id of the application (client), 36 characters with hyphens', isGuid),
  clientSecret: secret.optional(),
  certificate: secret.optional(),
  certificateFile: absolutePath.optional(),
  cloud: cloud.transform((text) => text.toLowerCase() as GraphCloud).default('global'),
  graphUrl: origin.optional(),
  authorityUrl: origin.optional(),
  pageSize: integer(1, 999).optional(),
};

export const GRAPH_SECRETS = ['clientSecret', 'certificate'];
const CREDENTIALS = [...GRAPH_SECRETS, 'certificateFile'];

const PUSH = 'nothing is sent to a connector here';
const TRUST = 'certificates are always verified; name an authority of your own in NODE_EXTRA_CA_CERTS of the workers';
const PACE = 'the scanner sets the pace; see limits';

const TLS = { VERIFY_TLS: TRUST, CA_BUNDLE: TRUST };
const WEBHOOK = {
  WEBHOOK_ENABLED: PUSH,
  WEBHOOK_CHANGE_TYPES: PUSH,
  WEBHOOK_EXPIRE_MINUTES: PUSH,
  WEBHOOK_REFRESH_SECONDS: PUSH,
  WEBHOOK_CLIENT_STATE: PUSH,
  WEBHOOK_URL: PUSH,
};

/** Each of these names behind each of the prefixes that the former connector took. */
function prefixed(
  prefixes: readonly string[],
  names: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    prefixes.flatMap((prefix) => Object.entries(names).map(([name, value]) => [`${prefix}${name}`, value])),
  );
}

/** Old names of the fields of both kinds; `own` are those of one of them. */
export function graphAliases(prefixes: readonly string[], own: Readonly<Record<string, string>>) {
  const shared = { TENANT_ID: 'tenantId', CLIENT_ID: 'clientId', CLIENT_SECRET: 'clientSecret' };
  return prefixed(prefixes, { ...shared, ...own });
}

/** Old names that set nothing; those of notifications were taken without a prefix too. */
export function graphRetired(prefixes: readonly string[], own: Readonly<Record<string, string>> = {}) {
  return {
    ...prefixed(prefixes, { ...TLS, ...WEBHOOK, ...own }),
    ...prefixed(['', 'DSXCONNECTOR_'], WEBHOOK),
    SCAN_CONCURRENCY: PACE,
  };
}

/** Rules of both kinds between fields. */
export function refineGraph(fields: Fields, refuse: (field: string, message: string) => void): void {
  const given = CREDENTIALS.filter((name) => fields[name] !== undefined);
  if (given.length === 0) {
    refuse('clientSecret', 'is missing: the application needs clientSecret, certificate or certificateFile');
  }
  if (given.length > 1) refuse(given[1] as string, `is a second credential beside ${given[0]}; keep one of them`);
  if (fields.action === 'tag' || fields.action === 'movetag') {
    refuse('action', `can't be ${fields.action}: items of SharePoint and OneDrive get no tags; use move or delete`);
  }
}

export function accessOf(fields: Fields): GraphAccess {
  const optional = [...CREDENTIALS, 'graphUrl', 'authorityUrl', 'pageSize'];
  const given = Object.fromEntries(
    optional.flatMap((name) => (fields[name] === undefined ? [] : [[name, fields[name]]])),
  );
  return {
    tenantId: fields.tenantId as string,
    clientId: fields.clientId as string,
    cloud: fields.cloud as GraphCloud,
    ...(given as { readonly clientSecret?: Secret }),
  };
}
