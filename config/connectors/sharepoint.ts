import {
  AssetUrlError,
  parseAssetUrl,
  parseFolder,
  type SitePlace,
  type SiteReading,
  writeAssetUrl,
} from '../../connectors/graph/asset-url.ts';
import type { GraphCloud } from '../../connectors/graph/settings.ts';
import {
  accessOf,
  CLOUD_HOSTS,
  GRAPH_SECRETS,
  graphAliases,
  graphRetired,
  graphShape,
  refineGraph,
  words,
} from './graph.ts';
import { hidingFault, quarantineField } from './graph-folder.ts';
import type { Fields, Kind } from './kind.ts';

const PREFIXES = ['SP_', 'DSXCONNECTOR_SP_'];
const REST = 'libraries are read by Graph alone';

const host = words('must be a host, as contoso.sharepoint.com', (text) =>
  /^[a-z\d-]+(\.[a-z\d-]+)+(:\d+)?$/i.test(text),
);
const named = (what: string) => words(`must be ${what}`, (text) => text !== '' && !/^https?:/i.test(text));

/** A document library of SharePoint, or a folder of one. */
export const sharepoint: Kind = {
  shape: {
    asset: words('must be the address of a site, library or folder, or a folder of the library', () => true).default(
      '',
    ),
    quarantine: quarantineField,
    hostname: host.optional(),
    sitePath: named('the path of a site, as /sites/Finance').optional(),
    library: named('the name of a library, as Documents').optional(),
    ...graphShape,
  },
  secrets: GRAPH_SECRETS,
  local: ['certificateFile'],
  addresses: { graphUrl: 'graph', authorityUrl: 'entra' },
  aliases: graphAliases(PREFIXES, {
    HOSTNAME: 'hostname',
    SITE_PATH: 'sitePath',
    DRIVE_NAME: 'library',
    GRAPH_PAGE_SIZE: 'pageSize',
  }),
  retired: graphRetired(PREFIXES, {
    USE_TLS: 'Graph is reached by https alone',
    LOG_TOKEN_CLAIMS: 'tokens are never logged',
    USE_DELTA_FOR_SCAN: 'a listing is always a delta',
    PROVIDER_MODE: REST,
    REST_ROW_LIMIT: REST,
    LIST_ID: REST,
    DIGEST_TTL_S: REST,
  }),
  refine(fields, refuse) {
    refineGraph(fields, refuse);
    let place: SitePlace;
    try {
      place = placeOf(fields);
    } catch (error) {
      if (!(error instanceof AssetUrlError)) throw error;
      return refuse('asset', error.message);
    }
    const ending = CLOUD_HOSTS[fields.cloud as GraphCloud];
    if (fields.graphUrl === undefined && !place.host.endsWith(ending)) {
      const field = isAddress(fields.asset as string) ? 'asset' : 'hostname';
      refuse(
        field,
        `leads to ${place.host}, and hosts of cloud ${fields.cloud} end with ${ending}; correct it, or cloud`,
      );
    }
    const faults = place.readings.map(({ folder }) => hidingFault(folder, fields.quarantine));
    if (faults[0] !== undefined && faults.every((fault) => fault !== undefined)) refuse('quarantine', faults[0]);
  },
  build(fields) {
    const place = placeOf(fields);
    const asset = fields.asset as string;
    return {
      kind: 'sharepoint',
      asset: isAddress(asset) ? asset : shown(place),
      quarantine: fields.quarantine as string,
      storage: { ...accessOf(fields), place },
    };
  },
};

/** The address, which has no form for a folder of a default library. */
function shown({ host, readings }: SitePlace): string {
  const [{ site, library, folder }] = readings as [SiteReading];
  if (library !== undefined || folder === '')
    return writeAssetUrl(host, { site, folder, ...(library !== undefined && { library }) });
  return `${writeAssetUrl(host, { site, folder: '' })}, folder ${folder} of its default library`;
}

/** @throws AssetUrlError */
function placeOf({ asset, hostname, sitePath, library }: Fields): SitePlace {
  const text = asset as string;
  const wanted = { site: siteOf(sitePath as string | undefined), library: library as string | undefined };
  const named = (hostname as string | undefined)?.toLowerCase();
  if (!isAddress(text)) {
    if (named === undefined) {
      const message = 'must be the address of a site, library or folder (or a folder of the library, with hostname)';
      throw new AssetUrlError('not_an_address', message);
    }
    const { site = '', library } = wanted;
    return { host: named, readings: [{ site, ...(library !== undefined && { library }), folder: parseFolder(text) }] };
  }
  const { host, readings } = parseAssetUrl(text);
  if (named !== undefined && named !== host) {
    throw new AssetUrlError('not_an_address', `leads to ${host}, and hostname says ${named}; keep one of them`);
  }
  const fitting = readings.flatMap((reading) => fitted(reading, wanted));
  if (fitting.length > 0) return { host, readings: fitting };
  throw new AssetUrlError(
    'bad_path',
    'leads to another site or library than sitePath and library say; keep one of them',
  );
}

/** The reading where it is of this site and library; a library that it leaves open is filled in. */
function fitted(
  reading: SiteReading,
  wanted: { readonly site?: string | undefined; readonly library?: string | undefined },
): SiteReading[] {
  if (wanted.site !== undefined && !same(wanted.site, reading.site)) return [];
  if (wanted.library === undefined) return [reading];
  if (reading.library === undefined) return [{ ...reading, library: wanted.library }];
  return same(plain(wanted.library), plain(reading.library)) ? [reading] : [];
}

/** A name alone is that of a site below `/sites`, as the former connector took it. */
function siteOf(sitePath: string | undefined): string | undefined {
  if (sitePath === undefined) return undefined;
  const folder = parseFolder(sitePath);
  if (folder === '') return '';
  return sitePath.includes('/') ? `/${folder}` : `/sites/${folder}`;
}

/** The default library has one name in its address and another on its page. */
function plain(library: string): string {
  return same(library, 'Documents') ? 'Shared Documents' : library;
}

function isAddress(asset: string): boolean {
  return /^[a-z][a-z\d+.-]*:\/\//i.test(asset) || /^[\w-]+\.sharepoint(-mil)?\.\w+(\/|$)/i.test(asset);
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
