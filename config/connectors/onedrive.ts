import { z } from 'zod';
import { accessOf, GRAPH_SECRETS, graphAliases, graphRetired, graphShape, isGuid, refineGraph } from './graph.ts';
import { folderField, hidingFault, quarantineField } from './graph-folder.ts';
import type { Kind } from './kind.ts';

const PREFIXES = ['ONEDRIVE_', 'OD_', 'DSXCONNECTOR_ONEDRIVE_'];
const ACCEPTED = 'must be a user, or a list of users: each a user principal name, as anna@contoso.com, or an id';

/** Sorted by their bytes. */
const users = z
  .union([z.string(), z.array(z.string())], { error: ACCEPTED })
  .transform((input, context): readonly string[] => {
    const refuse = (message: string) => {
      context.issues.push({ code: 'custom', input, message });
      return z.NEVER;
    };
    const all = (typeof input === 'string' ? input.split(/[\s,]+/) : input.map((user) => user.trim())).filter(
      (user) => user !== '',
    );
    const odd = all.find((user) => !isGuid(user) && !/^[^\s@/\\:?#]+@[^\s@/\\:?#]+$/.test(user));
    if (all.length === 0 || odd !== undefined) return refuse(ACCEPTED);
    const twice = all.find((user, i) => all.findIndex((other) => same(other, user)) < i);
    if (twice !== undefined) return refuse(`names ${twice} twice`);
    return all.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  });

/** The OneDrive of each of some users, or one folder in each. */
export const onedrive: Kind = {
  shape: {
    asset: folderField(
      "must be a folder of each user's drive, as /Documents/Finance; for an address use the kind sharepoint",
    ).default(''),
    quarantine: quarantineField,
    users,
    ...graphShape,
  },
  secrets: GRAPH_SECRETS,
  local: ['certificateFile'],
  addresses: { graphUrl: 'graph', authorityUrl: 'entra' },
  aliases: graphAliases(PREFIXES, { USER_ID: 'users', ASSET: 'asset' }),
  retired: graphRetired(PREFIXES),
  refine(fields, refuse) {
    refineGraph(fields, refuse);
    const fault = hidingFault(fields.asset as string, fields.quarantine);
    if (fault !== undefined) refuse('quarantine', fault);
  },
  build(fields) {
    const folder = fields.asset as string;
    const everyone = fields.users as readonly string[];
    return {
      kind: 'onedrive',
      asset: `${everyone.join(', ')}: /${folder}`,
      quarantine: fields.quarantine as string,
      storage: { ...accessOf(fields), users: everyone, folder },
    };
  },
};

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
