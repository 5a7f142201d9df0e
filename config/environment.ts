import type { ConfigProblem } from './errors.ts';
import { nearest } from './nearest.ts';
import { ENVIRONMENT, type ProcessName } from './variables.ts';

export { ENVIRONMENT, type ProcessName, type Variable, variableRow } from './variables.ts';

const byName = new Map(ENVIRONMENT.flatMap((v) => [v.name, ...v.aliases].map((name) => [name, v] as const)));

/** Groups of the former product's settings that have no counterpart: named, so that nobody takes them for being in force. */
const RETIRED =
  /^DSXCONNECT_(RESULTS_DB|DATABASE|WORKERS|WORKER|FEATURES|CONTROL_PLANE|SYSLOG|DIANNA|AUTH|CONNECTORS|SCANNER|CONFIG|ENROLLMENT|ENV_FILE|SCAN_REQUEST|VERDICT_ACTION|RESULTS|NOTIFICATION|VERIFY_TLS|CA_BUNDLE)_/;

/** Where what some of them said is said now. */
const MOVED: readonly (readonly [RegExp, string])[] = [
  [/^DSXCONNECT_SYSLOG_/, 'name a syslog under `results` of dsx-connect.yaml (docs/results-out.md)'],
  [/^DSXCONNECT_AUTH__JWT/, 'callers are known by keys (DSXCONNECT_API_KEY_FILE)'],
  [
    /^DSXCONNECT_(VERIFY_TLS|CA_BUNDLE)/,
    'the dsx command trusts the API by DSXCONNECT_API_CA_FILE, the scanner is trusted by DSXA_CA_FILE',
  ],
];

/** Of the former product's connectors, which were servers: nobody may take them for being in force here. */
const CONNECTOR_TLS = /^(DSX)?CONNECTOR_(USE_TLS|TLS_CERTFILE|TLS_KEYFILE|VERIFY_TLS|CA_BUNDLE)$/;

/** What Kubernetes and Docker links set by themselves for a service whose name begins like ours. */
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)?|NAME)$/;

/**
 * The values of one process's variables under their own names, aliases resolved. A variable that is empty counts as unset.
 * Unknown `DSXCONNECT_`, `DSXA_` and `DSX_LEDGER_` variables and contradicting aliases come out as problems.
 */
export function readEnvironment(
  env: NodeJS.ProcessEnv,
  process: ProcessName,
): { values: Record<string, string>; problems: ConfigProblem[] } {
  const values: Record<string, string> = {};
  const problems: ConfigProblem[] = [];
  for (const { name, processes, aliases } of ENVIRONMENT) {
    if (!processes.includes(process)) continue;
    const given = [name, ...aliases].filter((n) => (env[n] ?? '').trim() !== '');
    const [first, ...rest] = given;
    if (first === undefined) continue;
    values[name] = env[first] ?? '';
    const other = rest.find((n) => env[n] !== env[first]);
    if (other !== undefined) {
      const text = `says something else than ${other}, which is another name for it; keep ${name} and unset the other`;
      problems.push({ code: 'conflicting_variables', variable: first, text });
    }
  }
  for (const name of Object.keys(env).sort()) {
    if (CONNECTOR_TLS.test(name) && (env[name] ?? '').trim() !== '') {
      problems.push({ code: 'unknown_variable', variable: name, text: CONNECTOR_TLS_TEXT });
    }
    if (!/^(DSXCONNECT|DSXA|DSX_LEDGER)_/.test(name) || byName.has(name) || SERVICE_LINK.test(name)) continue;
    problems.push({ code: 'unknown_variable', variable: name, text: unknownText(name) });
  }
  return { values, problems };
}

const CONNECTOR_TLS_TEXT =
  'is a setting of a connector of the former dsx-connect, and sets nothing in this process: connectors of dsx-connect.yaml are no servers, the API has USE_TLS, and a remote connector reads it in its own environment; unset it here';

function unknownText(name: string): string {
  const words = name.split('_');
  const longer = ENVIRONMENT.find((known) => words.every((word) => known.name.split('_').includes(word)))?.name;
  const like = nearest(name, byName.keys());
  const meant = like?.alike ? like.word : longer;
  const moved = MOVED.find(([names]) => names.test(name))?.[1];
  if (moved !== undefined) return `is a setting of the former dsx-connect that has no effect here: ${moved}; unset it`;
  if (meant !== undefined) return `is not a variable of dsx-connect; did you mean ${meant}?`;
  if (RETIRED.test(`${name}_`)) return 'is a setting of the former dsx-connect that has no effect here; unset it';
  const family = ENVIRONMENT.map((v) => v.name).filter((known) => known.startsWith(name.replace(/_.*/, '_')));
  const near = nearest(name, family)?.word;
  return `is not a variable of dsx-connect (the nearest is ${near}); unset it, or see docs/configuration.md`;
}

/** True when the value of this variable must not be printed. Unknown ones are taken for secret. */
export function isSecret(name: string): boolean {
  return byName.get(name)?.secret ?? true;
}
