export type ProcessName = 'api' | 'worker' | 'cli';

/** One environment variable: the row of the table in `docs/configuration.md`. */
export interface Variable {
  readonly name: string;
  readonly processes: readonly ProcessName[];
  /** Its value is never printed. */
  readonly secret: boolean;
  readonly meaning: string;
  /** As the table shows it; empty when there is none. */
  readonly default: string;
  /** Names under which the former product knew the same setting. Both set to different values is refused. */
  readonly aliases: readonly string[];
}

const all: readonly ProcessName[] = ['api', 'worker', 'cli'];
const servers: readonly ProcessName[] = ['api', 'worker'];

function variable(
  name: string,
  processes: readonly ProcessName[],
  fallback: string,
  meaning: string,
  more: { secret?: true; aliases?: readonly string[] } = {},
): Variable {
  return { name, processes, secret: more.secret ?? false, meaning, default: fallback, aliases: more.aliases ?? [] };
}

/** Every environment variable that the product reads. `docs/configuration.md` lists exactly these. */
export const ENVIRONMENT: readonly Variable[] = [
  variable('APP_ENV', all, 'dev', '`dev`, `stag` or `prod`. Outside `dev` a stand-in scanner is refused.', {
    aliases: ['DSXCONNECT_APP_ENV'],
  }),
  variable('LOG_LEVEL', servers, 'info', '`trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`.', {
    aliases: ['DSXCONNECT_LOG_LEVEL'],
  }),
  variable('DSX_HOME', all, '$XDG_STATE_HOME/dsx-connect', 'Folder of the state that is kept here. Absolute.'),
  variable(
    'DSX_LEDGER',
    all,
    '$DSX_HOME/ledger',
    'Where the ledger lies: an absolute folder, or `s3://bucket/prefix`, `az://account/container/prefix`, `gs://bucket/prefix`. The API and all workers must see the same one.',
  ),
  variable(
    'DSX_LEDGER_ENDPOINT',
    all,
    "the vendor's",
    'Address of the storage that holds the ledger: of an S3 API, of a blob service (with the account in it), of a Cloud Storage API.',
  ),
  variable(
    'DSX_LEDGER_REGION',
    all,
    '',
    "Region of the ledger's S3 bucket. Unset: as the AWS tools find it; with an endpoint `us-east-1`.",
  ),
  variable(
    'DSX_LEDGER_ACCESS_KEY_ID',
    all,
    '',
    'Key of the ledger on S3. Unset: as the AWS tools find it (environment, profile, role of the host).',
  ),
  variable('DSX_LEDGER_SECRET_ACCESS_KEY', all, '', 'Its secret. The file is the better place.', { secret: true }),
  variable('DSX_LEDGER_SECRET_ACCESS_KEY_FILE', all, '', 'File that holds its secret.'),
  variable(
    'DSX_LEDGER_ACCOUNT_KEY',
    all,
    '',
    'Key of the Azure account of the ledger. Without it and without a SAS: as the Azure tools find an identity (environment, workload or managed identity).',
    { secret: true },
  ),
  variable('DSX_LEDGER_ACCOUNT_KEY_FILE', all, '', 'File that holds the key of the account.'),
  variable('DSX_LEDGER_SAS_TOKEN', all, '', "Shared access signature of the ledger's container.", { secret: true }),
  variable('DSX_LEDGER_SAS_TOKEN_FILE', all, '', 'File that holds the signature.'),
  variable(
    'DSX_LEDGER_CREDENTIALS_FILE',
    all,
    '',
    'File of a Google service account or federated identity for the ledger. Unset: as the Google tools find one; with an endpoint none.',
  ),
  variable(
    'DSX_CONFIG',
    all,
    '',
    'Path of `dsx-connect.yaml`. Unset: the one in `$DSX_HOME`, else the one in the working folder, else none.',
  ),
  variable(
    'REDIS_URL',
    all,
    '',
    'Redis for quick status, `redis://` or `rediss://`. Unset: queries ask Temporal and the ledger.',
    {
      secret: true,
      aliases: ['DSXCONNECT_REDIS_URL'],
    },
  ),
  variable(
    'REDIS_TLS_CA_FILE',
    servers,
    '',
    'Authorities that a `rediss://` Redis is trusted by (PEM). Unset: those of the system.',
  ),
  variable('REDIS_TLS_CERT_FILE', servers, '', 'Client certificate for Redis (PEM). Needs the key.'),
  variable('REDIS_TLS_KEY_FILE', servers, '', 'Key of the client certificate for Redis (PEM).'),
  variable('TEMPORAL_ADDRESS', all, '127.0.0.1:7233', 'Host and port of the Temporal server.'),
  variable('TEMPORAL_NAMESPACE', all, 'default', 'Temporal namespace.'),
  variable('TEMPORAL_UI_URL', all, '', 'Address of the Temporal UI, for links.'),
  variable('TEMPORAL_TLS', servers, 'off', '`on`: speak TLS with Temporal. Implied by the four variables below.'),
  variable('TEMPORAL_TLS_CERT_FILE', servers, '', 'Client certificate for Temporal (PEM). Needs the key.'),
  variable('TEMPORAL_TLS_KEY_FILE', servers, '', 'Key of the client certificate (PEM).'),
  variable(
    'TEMPORAL_TLS_CA_FILE',
    servers,
    '',
    'Authorities that Temporal is trusted by (PEM). Unset: those of the system.',
  ),
  variable(
    'TEMPORAL_TLS_SERVER_NAME',
    servers,
    '',
    'Name that the certificate of Temporal must have, where it is not that of the address.',
  ),
  variable(
    'DSXCONNECT_CODEC_KEYS',
    servers,
    '',
    'Keys that what Temporal keeps is encrypted with: `id:base64` of 32 bytes, several with commas; the first one encrypts, all decrypt. The file is the better place. Unset: plain.',
    { secret: true },
  ),
  variable('DSXCONNECT_CODEC_KEYS_FILE', servers, '', 'File that holds those keys, one a line.'),
  variable(
    'DSXA_SCANNER_URL',
    all,
    '',
    'Origin of the DSXA scanner, as `https://scanner:443`. Set: the `scanner` of the file is not used.',
    {
      aliases: ['DSXCONNECT_SCANNER__BASE_URL', 'DSXCONNECT_SCANNER__SCAN_BINARY_URL'],
    },
  ),
  variable('DSXA_AUTH_TOKEN', servers, '', "The scanner's token. The file is the better place.", {
    secret: true,
    aliases: ['DSXCONNECT_SCANNER__AUTH_TOKEN'],
  }),
  variable('DSXA_AUTH_TOKEN_FILE', servers, '', "File that holds the scanner's token."),
  variable('DSXA_PROTECTED_ENTITY', servers, '', 'Number of the protected entity in the console.'),
  variable('DSXA_CA_FILE', servers, '', "Authorities that the scanner's certificate is trusted by (PEM)."),
  variable(
    'DSXA_VERIFY_TLS',
    servers,
    'on',
    '`off`: whoever answers at the address is taken for the scanner, whatever its certificate. For trying only: verdicts can then be forged.',
    { aliases: ['DSXCONNECT_SCANNER__VERIFY_TLS'] },
  ),
  variable(
    'DSXA_METADATA',
    servers,
    'off',
    '`on`: tell the scanner the connector, the job and the item (its number in the job, never its name) with each scan.',
  ),
  variable(
    'DSXA_MAX_BYTES',
    servers,
    '2147483648',
    'Largest item that is sent to the scanner, in bytes (or as `2 GiB`).',
    {
      aliases: ['DSXCONNECT_SCANNER__MAX_FILE_SIZE_BYTES'],
    },
  ),
  variable('DSXA_CONCURRENCY', servers, '64', 'Most scans in flight per process, 1 to 4096.', {
    aliases: ['DSXCONNECT_SCANNER__MAX_INFLIGHT'],
  }),
  variable(
    'DSXA_BYTES_IN_FLIGHT',
    servers,
    '1073741824',
    'Most bytes in flight per process, in bytes (or as `1 GiB`).',
  ),
  variable('DSXA_STANDIN_URL', all, '', 'Origin of a stand-in scanner. It judges nothing; refused outside `dev`.'),
  variable(
    'DSXCONNECT_ALLOWED_ADDRESSES',
    servers,
    '',
    'What may be reached although it is not public, or without TLS, when a user or a connector names it: ranges, addresses, hosts and (`.corp.example`) all below a name, with commas.',
  ),
  variable(
    'DSXCONNECT_AUTH__ENABLED',
    servers,
    'off',
    '`on`: remote connectors enrol with a token and sign what they send, and what they are sent is signed. Off, they may register only at an API on loopback.',
  ),
  variable(
    'DSXCONNECT_AUTH__ENROLLMENT_TOKEN',
    ['api'],
    '',
    'Token that remote connectors enrol with, 16 characters at least.',
    {
      secret: true,
    },
  ),
  variable('DSXCONNECT_AUTH__ENROLLMENT_TOKENS', ['api'], '', 'Several of them, with commas or as a JSON list.', {
    secret: true,
  }),
  variable(
    'DSXCONNECT_REMOTE_KEY_FILE',
    servers,
    '',
    'File that holds the key which those of remote connectors are derived from, at least 32 characters. The same for the API and all workers.',
  ),
  variable(
    'DSXCONNECT_REMOTE_QUIET',
    ['api'],
    '60',
    'Seconds without a further item after which a scan that a remote connector lists has ended, once it said that all is pushed.',
  ),
  variable(
    'DSXCONNECT_WORKER_ROLES',
    ['worker'],
    'orchestrator,scan',
    'What this worker does: `orchestrator`, `scan` or both.',
  ),
  variable(
    'DSXCONNECT_SITE',
    ['worker'],
    '',
    'Site whose storages this worker scans. Unset: those of connectors without a site.',
  ),
  variable('DSXCONNECT_PAGE_ITEMS', ['worker'], '5000', 'Most items in a page, 1 to 10000.'),
  variable('DSXCONNECT_PAGE_BYTES', ['worker'], '1073741824', 'Most bytes in a page (or as `1 GiB`).'),
  variable(
    'DSXCONNECT_PAGE_SLOTS',
    ['worker'],
    '4',
    'Pages of full scans that this worker has in hand at once, 1 to 64, and as many of requested and on-access scans.',
  ),
  variable(
    'DSXCONNECT_WORKER_VERSIONING',
    ['worker'],
    'on',
    '`on`: scans are pinned to the workflow code they began with, and move on at a hand-over. `current`: the same, and each start makes this version the one for new scans. `off`: no versions.',
  ),
  variable(
    'DSXCONNECT_PATIENCE',
    ['worker'],
    '30',
    'Seconds that a scanner or a storage may be gone before scans are held for it, 1 to 600.',
  ),
  variable('API_HOST', ['api', 'cli'], '127.0.0.1', 'Address the API listens on. Any but loopback needs a key.'),
  variable('API_PORT', ['api', 'cli'], '8586', 'Port of the API; 0 takes a free one.'),
  variable(
    'DSXCONNECT_API_KEY_FILE',
    ['api', 'cli'],
    '',
    'File that holds the bearer key of the API, at least 16 characters.',
  ),
  variable(
    'DSXCONNECT_REQUESTS_PER_SECOND',
    ['api'],
    '100',
    'Requests that each key may send to this process, each second in the long run; twice as many at once.',
  ),
  variable(
    'DSXCONNECT_FOLDER_SCANS',
    ['api'],
    'on on loopback, else off',
    '`on`: callers may scan any folder that the workers can read.',
  ),
  variable(
    'DSXCONNECT_PUBLIC_HOSTS',
    ['api'],
    '',
    'Host names under which sources of events reach the API, separated by commas, as a proxy passes them on. On loopback only they, and only for events.',
  ),
  variable('USE_TLS', ['api'], 'off', '`on`: the API speaks HTTPS.', { aliases: ['DSXCONNECT_USE_TLS'] }),
  variable('TLS_CERT_FILE', ['api'], '', 'Certificate of the API (PEM), with `USE_TLS`.', {
    aliases: ['DSXCONNECT_TLS_CERTFILE'],
  }),
  variable('TLS_KEY_FILE', ['api'], '', 'Key of the certificate (PEM), with `USE_TLS`.', {
    aliases: ['DSXCONNECT_TLS_KEYFILE'],
  }),
  variable(
    'TLS_CLIENT_CA_FILE',
    ['api'],
    '',
    'Authorities of client certificates (PEM), with `USE_TLS`: callers without such a certificate are not let in.',
  ),
  variable('TLS_MIN_VERSION', ['api'], '1.2', 'Lowest version of TLS that the API speaks: `1.2` or `1.3`.'),
  variable(
    'DSXCONNECT_API_CA_FILE',
    ['cli'],
    '',
    'Authorities that the `dsx` command trusts the API by (PEM), beside those of the system.',
  ),
  variable('DSXCONNECT_API_CERT_FILE', ['cli'], '', 'Client certificate of the `dsx` command (PEM). Needs the key.'),
  variable('DSXCONNECT_API_CERT_KEY_FILE', ['cli'], '', 'Key of that certificate (PEM).'),
];

/** The row of a variable in `docs/configuration.md`. */
export function variableRow({ name, processes, secret, meaning, default: fallback, aliases }: Variable): string {
  const code = (text: string) => (text === '' ? '' : `\`${text}\``);
  const old = aliases.length === 0 ? '' : ` Also: ${aliases.map(code).join(', ')}.`;
  return `| ${code(name)} | ${processes.join(', ')} | ${code(fallback)} | ${secret ? 'Secret. ' : ''}${meaning}${old} |`;
}
