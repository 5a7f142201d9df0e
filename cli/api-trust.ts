import { getCACertificates } from 'node:tls';
import { Agent, fetch as trustingFetch } from 'undici';
import { readEnvironment } from '../config/environment.ts';
import { refuseIfAny } from '../config/errors.ts';
import { readTls, tlsFiles, tlsProblems } from '../config/tls.ts';

/**
 * How this command asks the API: by `fetch`, with the authorities and the client certificate that the environment names.
 * @throws ConfigError for files that can't be used
 */
export function apiFetch(env: NodeJS.ProcessEnv = process.env): typeof fetch {
  const { values } = readEnvironment(env, 'cli');
  const files = tlsFiles(
    values.DSXCONNECT_API_CERT_FILE,
    values.DSXCONNECT_API_CERT_KEY_FILE,
    values.DSXCONNECT_API_CA_FILE,
  );
  if (Object.keys(files).length === 0) return fetch;
  refuseIfAny(
    tlsProblems(files, {
      certFile: { variable: 'DSXCONNECT_API_CERT_FILE' },
      keyFile: { variable: 'DSXCONNECT_API_CERT_KEY_FILE' },
      caFile: { variable: 'DSXCONNECT_API_CA_FILE' },
    }),
  );
  const { ca, ...identity } = readTls(files);
  const trusted = ca === undefined ? [] : [...getCACertificates('default'), ca.toString()];
  const dispatcher = new Agent({ connect: { ...identity, ...(trusted.length > 0 && { ca: trusted }) } });
  // The same function by another version of the package: its types differ from the ones that Node brings.
  return ((input: string, init: object) => trustingFetch(input, { ...init, dispatcher })) as unknown as typeof fetch;
}
