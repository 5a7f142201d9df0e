import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { API_PREFIX } from '../api/contract.ts';
import { startRealApi } from '../test/support/api.ts';
import { Plant } from '../test/support/plant.ts';
import { startValkey } from '../test/support/valkey.ts';

const KEY = 'api-fuzz-0123456789abcdef0123456789';
/** A refused method, a missing header and a wrong type are answers too: all are checked against the document. */
const CHECKS =
  'not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,negative_data_rejection,ignored_auth,unsupported_method';

/** Routes of the former product that say there is no such thing here: 501 is what is promised of them. */
const ABSENT = ['/config', '/connectors/config/', '/dianna/'];
/** Of server errors one is allowed: come back later. What is too large to be looked at is refused too. */
const RULES = `hooks = "hooks.py"
[checks]
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 503]
negative_data_rejection.expected-statuses = ["4xx", 503]
[[operations]]
include-path-regex = "^(${ABSENT.join('|')})"
checks.not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 501, 503]
checks.negative_data_rejection.expected-statuses = ["4xx", 501, 503]
`;
/** Who comes without a key too often is refused with 429 in the place of 401. */
const HOOKS = `import schemathesis.specs.openapi.checks as checks
checks.AUTH_REJECTION_STATUSES = frozenset([401, 403, 429])
`;

/**
 * Asks a whole stack what its OpenAPI document allows, and what it does not, for so many seconds (120), with schemathesis
 * (`pip install schemathesis==4.32.5`; `SCHEMATHESIS` names the program). What is not documented is a failure.
 * @returns 0 when there is none
 */
export default async function apiFuzz(args: string[]): Promise<number> {
  const seconds = Number(args[0] ?? 120);
  const [plant, valkey] = await Promise.all([Plant.start(), startValkey()]);
  try {
    const state = path.join(plant.home, 'state');
    mkdirSync(state, { recursive: true });
    for (let at = 0; at < 5; at++) writeFileSync(path.join(plant.folder, `file-${at}.txt`), `file ${at}`);
    const keyFile = path.join(plant.home, 'key');
    writeFileSync(keyFile, KEY, { mode: 0o600 });
    const share = { id: 'share', kind: 'filesystem', asset: plant.folder };
    writeFileSync(path.join(state, 'dsx-connect.yaml'), JSON.stringify({ connectors: [share] }));
    const rules = path.join(plant.home, 'schemathesis.toml');
    writeFileSync(rules, RULES);
    writeFileSync(path.join(plant.home, 'hooks.py'), HOOKS);
    await plant.worker({ REDIS_URL: valkey.url });
    const api = await startRealApi(plant, {
      DSXCONNECT_API_KEY_FILE: keyFile,
      REDIS_URL: valkey.url,
      DSXCONNECT_FOLDER_SCANS: 'off',
      DSXCONNECT_REQUESTS_PER_SECOND: '100000',
    });
    try {
      return await run(plant.home, process.env.SCHEMATHESIS ?? 'schemathesis', [
        ...['--config-file', rules, 'run'],
        `${api.origin}${API_PREFIX}/openapi.json`,
        ...['--header', `Authorization: Bearer ${KEY}`],
        ...['--max-time', String(seconds), '--checks', CHECKS, '--continue-on-failure'],
        ...['--workers', '4', '--request-timeout', '60', '--suppress-health-check', 'all', '--no-color'],
        ...args.slice(1),
      ]);
    } finally {
      await api.stop();
    }
  } finally {
    await Promise.all([plant.stop(), valkey.stop()]);
  }
}

function run(cwd: string, program: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: 'inherit' });
    child.once('error', (cause) => reject(new Error(`${program} does not run: pip install schemathesis`, { cause })));
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
