import { CliError } from '../errors.ts';
import type { External } from './plan.ts';
import { parseAddress, redisProblem, tcpConnect, temporalProblem } from './probes.ts';

const TIMEOUT_MS = 5_000;

/**
 * Makes sure that the parts which the environment names are there.
 *
 * @throws CliError that names the variable, the address and the remedy
 */
export async function checkExternals(external: External): Promise<void> {
  const [first] = await externalProblems(external);
  if (first !== undefined) throw new CliError('failed', 'external_part', first);
}

/** What is wrong with the parts that the environment names, one line each. */
export async function externalProblems({ temporal, redis, scanner, standin }: External): Promise<string[]> {
  const checks = [
    temporal && checkTemporal(temporal),
    redis && checkRedis(redis),
    scanner && checkScanner('DSXA_SCANNER_URL', scanner),
    standin && checkScanner('DSXA_STANDIN_URL', standin),
  ];
  return (await Promise.all(checks)).filter((problem): problem is string => Boolean(problem));
}

const REMEDY = 'start that server, correct the variable, or unset it to use the embedded one';

async function checkTemporal({
  address,
  namespace,
  tls,
}: NonNullable<External['temporal']>): Promise<string | undefined> {
  const where = parseAddress(address, 7233);
  if (where === undefined) return `TEMPORAL_ADDRESS=${address} is no address: give host:port, as 127.0.0.1:7233`;
  try {
    await tcpConnect(where, TIMEOUT_MS);
  } catch (error) {
    return `no Temporal at TEMPORAL_ADDRESS=${address} (${reason(error)}): ${REMEDY}`;
  }
  // What speaks TLS is checked by the workers and the API, which have the certificates.
  const problem = tls ? undefined : await temporalProblem(address, namespace, TIMEOUT_MS);
  return problem && `TEMPORAL_ADDRESS=${address} does not answer as Temporal (${problem}): ${REMEDY}`;
}

async function checkRedis(url: string): Promise<string | undefined> {
  // As with Temporal: the API has the certificates, and tells whether Redis answers.
  if (url.startsWith('rediss:')) return undefined;
  const problem = await redisProblem(url, TIMEOUT_MS);
  return problem && `no Redis at REDIS_URL=${withoutCredentials(url)} (${problem}): ${REMEDY}`;
}

async function checkScanner(variable: string, url: string): Promise<string | undefined> {
  const { hostname, port, protocol } = new URL(url);
  const where = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (protocol === 'https:' ? 443 : 80) };
  try {
    await tcpConnect(where, TIMEOUT_MS);
    return undefined;
  } catch (error) {
    return `no scanner at ${variable}=${withoutCredentials(url)} (${reason(error)}): start that scanner or correct the variable`;
  }
}

/** The URL without user, password and query, or undefined where it is none. */
export function withoutCredentials(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
}

function reason(error: unknown): string {
  if (error instanceof AggregateError) return reason(error.errors[0]);
  return error instanceof Error ? error.message || error.name : String(error);
}
