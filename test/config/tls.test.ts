import { afterAll, describe, expect, it } from 'vitest';
import { loadApiConfig } from '../../config/api.ts';
import { ConfigError } from '../../config/errors.ts';
import { loadWorkerConfig } from '../../config/worker.ts';
import { PemFolder, pair } from '../support/pem-files.ts';

const folder = new PemFolder();
afterAll(() => folder.remove());

const good = folder.pair('good', pair());
const other = folder.pair('other', pair());
const old = folder.pair('old', pair(60));
const future = folder.pair('future', pair(-5));

function problems(load: (env: NodeJS.ProcessEnv) => unknown, env: Record<string, string>): string[] {
  try {
    load({ HOME: folder.path, DSX_HOME: folder.path, ...env });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ code, variable, text }) => `${code} ${variable}: ${text}`);
  }
}
const api = (certFile: string, keyFile: string, more: Record<string, string> = {}) =>
  problems(loadApiConfig, { USE_TLS: 'on', TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile, ...more });

describe('certificates at the start', () => {
  it('takes a certificate with its key', () => {
    expect(api(good.certFile, good.keyFile, { TLS_CLIENT_CA_FILE: other.certFile, TLS_MIN_VERSION: '1.3' })).toEqual(
      [],
    );
  });

  it('refuses one that has ended, naming file, day and remedy', () => {
    expect(api(old.certFile, old.keyFile)).toEqual([
      expect.stringMatching(
        /^certificate_expired TLS_CERT_FILE: .*old\.pem ended on \d{4}-\d\d-\d\d; put a new one there$/,
      ),
    ]);
  });

  it('refuses one that has not begun', () => {
    expect(api(future.certFile, future.keyFile)).toEqual([
      expect.stringMatching(/^certificate_expired TLS_CERT_FILE: .*begins on/),
    ]);
  });

  it('refuses the key of another certificate', () => {
    expect(api(good.certFile, other.keyFile)).toEqual([
      expect.stringMatching(
        /^key_mismatch TLS_KEY_FILE: .*other\.key is not the key of the certificate in .*good\.pem/,
      ),
    ]);
  });

  it('says what is in the file instead', () => {
    expect(api(good.keyFile, good.certFile)).toEqual([expect.stringMatching(/^not_a_certificate TLS_CERT_FILE/)]);
    expect(api(good.certFile, good.certFile)).toEqual([expect.stringMatching(/^not_a_key TLS_KEY_FILE/)]);
  });

  it('refuses certificate files that would have no effect', () => {
    expect(problems(loadApiConfig, { TLS_CLIENT_CA_FILE: good.certFile })).toEqual([
      expect.stringMatching(/^conflicting_variables TLS_CLIENT_CA_FILE/),
    ]);
    expect(problems(loadWorkerConfig, { REDIS_URL: 'redis://127.0.0.1:1', REDIS_TLS_CA_FILE: good.certFile })).toEqual([
      expect.stringMatching(/^conflicting_variables REDIS_TLS_CA_FILE: .*rediss:/),
    ]);
  });

  it('looks at those of Temporal, Redis and the scanner alike', () => {
    const bad = { cert: old.certFile, key: old.keyFile };
    expect(
      problems(loadWorkerConfig, {
        TEMPORAL_TLS_CERT_FILE: bad.cert,
        TEMPORAL_TLS_KEY_FILE: bad.key,
        REDIS_URL: 'rediss://127.0.0.1:1',
        REDIS_TLS_CERT_FILE: good.certFile,
        REDIS_TLS_KEY_FILE: other.keyFile,
        DSXA_SCANNER_URL: 'https://scanner.example.com',
        DSXA_CA_FILE: old.certFile,
      }).map((text) => text.split(':')[0]),
    ).toEqual([
      'key_mismatch REDIS_TLS_KEY_FILE',
      'certificate_expired TEMPORAL_TLS_CERT_FILE',
      'certificate_expired DSXA_CA_FILE',
    ]);
  });

  it('knows the former names, and says where a setting went', () => {
    const env = {
      DSXCONNECT_USE_TLS: 'true',
      DSXCONNECT_TLS_CERTFILE: good.certFile,
      DSXCONNECT_TLS_KEYFILE: good.keyFile,
    };
    expect(problems(loadApiConfig, env)).toEqual([]);
    expect(problems(loadWorkerConfig, { DSXCONNECT_SYSLOG__TRANSPORT: 'tls', DSXCONNECT_CA_BUNDLE: '/x' })).toEqual([
      expect.stringMatching(/DSXCONNECT_CA_BUNDLE: .*DSXCONNECT_API_CA_FILE/),
      expect.stringMatching(/DSXCONNECT_SYSLOG__TRANSPORT: .*docs\/results-out\.md/),
    ]);
    for (const name of [
      'CONNECTOR_USE_TLS',
      'DSXCONNECTOR_USE_TLS',
      'DSXCONNECTOR_CA_BUNDLE',
      'CONNECTOR_VERIFY_TLS',
    ]) {
      expect(problems(loadApiConfig, { [name]: 'true' })).toEqual([
        expect.stringMatching(new RegExp(`^unknown_variable ${name}: .*USE_TLS.*unset it here$`)),
      ]);
      expect(problems(loadApiConfig, { [name]: '' })).toEqual([]);
    }
    const off = loadWorkerConfig({
      HOME: folder.path,
      DSXA_SCANNER_URL: 'https://scanner.example.com',
      DSXCONNECT_SCANNER__VERIFY_TLS: 'false',
    });
    expect(off.scanners.dsxa?.verifyTls).toBe(false);
  });
});
