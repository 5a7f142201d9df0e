import type { ApiConfig } from '../../config/api.ts';

/** What stands in the place of a secret. */
export const MASK = '**********';
/** Items of one batch of a former connector: without being told, and at most. */
export const BATCH = { default: 100, most: 100 };

/** What each environment lets the former console edit: nothing, since settings live in files. */
const CAPABILITIES = {
  show_arch_preview: false,
  allow_connector_config_edit: false,
  connector_config_edit_scope: 'none',
  show_advanced_debug: false,
};
const WORKERS = ['scan_request', 'verdict_action', 'results', 'notification', 'dianna', 'scan_request_batch'] as const;

/**
 * The settings under the names of the former product, for `GET config`. Holds no secret: what is one is masked, or absent. A name
 * whose meaning is gone has the value that says so (off, null, 0).
 */
export function shownConfig(config: ApiConfig): Readonly<Record<string, unknown>> {
  const scanner = config.scanners.dsxa ?? Object.values(config.scanners)[0];
  const base = scanner?.url ?? '';
  return {
    app_env: config.appEnv === 'stag' ? 'stg' : config.appEnv,
    results_database: { loc: config.redis === undefined ? '' : MASK, retain: 1_000 },
    scanner: {
      base_url: base,
      scan_binary_url: base === '' ? '' : `${base}/scan/binary/v2`,
      auth_token: scanner?.token === undefined ? null : MASK,
      verify_tls: scanner?.verifyTls ?? true,
      timeout_seconds: 600,
      max_inflight: scanner?.concurrency ?? 0,
      max_file_size_bytes: scanner?.maxBytes ?? 0,
    },
    workers: {
      broker: null,
      backend: null,
      scan_request_batch_enabled: true,
      scan_request_batch_default_size: BATCH.default,
      scan_request_batch_max_size: BATCH.most,
    },
    control_plane_database: { url: null, auto_apply_schema: false },
    features: {
      enable_estimate_preflight: false,
      enable_approximate_estimates: false,
      enable_scope_engine_preview: false,
      enable_job_model_preview: false,
      enable_preview_postgres_mirror: false,
    },
    redis_url: config.redis === undefined ? null : MASK,
    syslog: { syslog_server_url: null, syslog_server_port: null, transport: null },
    dianna: { enabled: false, management_url: null, api_token: null, auto_on_malicious: false },
    config_persist_local_only: true,
    use_tls: config.tls !== undefined,
    tls_certfile: config.tls === undefined ? null : MASK,
    tls_keyfile: config.tls === undefined ? null : MASK,
    ui_capabilities: CAPABILITIES,
    deployment: {
      worker_pool: 'temporal',
      global_concurrency: 0,
      workers: Object.fromEntries(WORKERS.map((name) => [name, { enabled: name !== 'dianna', concurrency: 0 }])),
    },
  };
}

/** The part that connectors ask for, and that says nothing of where anything is. */
export function forConnectors(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { app_env, workers, features, ui_capabilities, use_tls, auth } = config;
  return { app_env, workers: workers ?? {}, features, ui_capabilities, use_tls, auth };
}
