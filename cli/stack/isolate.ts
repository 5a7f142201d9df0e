type Environment = Readonly<Record<string, string | undefined>>;

/** Settings of how the work is done, which do no harm to a stack that is on its own. */
const KEPT = new Set([
  'DSXA_METADATA',
  'DSXA_MAX_BYTES',
  'DSXA_CONCURRENCY',
  'DSXA_BYTES_IN_FLIGHT',
  'DSXCONNECT_PAGE_ITEMS',
  'DSXCONNECT_PAGE_BYTES',
  'DSXCONNECT_PAGE_SLOTS',
  'DSXCONNECT_PATIENCE',
  'DSXCONNECT_REMOTE_QUIET',
]);
/** All that names servers, keys, addresses or files of another stack. */
const IGNORED = /^(?:DSXCONNECT|DSXA|DSX_LEDGER|TEMPORAL|REDIS|API|TLS)_|^(?:APP_ENV|USE_TLS|DSX_LEDGER|DSX_CONFIG)$/;

/** The environment of a stack that is meant to be on its own, whatever is set for others. */
export function isolate(env: Environment): Environment {
  return without(env, (name) => IGNORED.test(name) && !KEPT.has(name));
}

/** Without what is meant for another Temporal than the embedded one. */
export function withoutTemporal(env: Environment): Environment {
  return without(env, (name) => /^TEMPORAL_/.test(name));
}

function without(env: Environment, which: (name: string) => boolean): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !which(name)));
}
