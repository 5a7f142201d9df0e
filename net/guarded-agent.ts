import { type LookupAddress, lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, buildConnector } from 'undici';
import type { AllowedTarget } from './allowed.ts';
import { TargetError } from './errors.ts';
import { bare, checkAddress, checkAddresses } from './target.ts';

/** All addresses of a name. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

const resolveAll: Resolve = (host) =>
  new Promise((resolve, reject) => {
    lookup(host, { all: true, verbatim: true }, (error, found) => (error === null ? resolve(found) : reject(error)));
  });

export interface GuardedAgentOptions {
  readonly allowed: readonly AllowedTarget[];
  /** How long connecting may take, in milliseconds (10 s). */
  readonly connectMs?: number;
  /** How long the head, and each part of the body, of an answer may take, in milliseconds (10 s). */
  readonly answerMs?: number;
  /** Connections to one host at once (8). */
  readonly connections?: number;
  /** Authorities that certificates are trusted by (PEM); default: those of the system. */
  readonly ca?: string;
  readonly resolve?: Resolve;
}

/**
 * The one way in which what a user or a connector named is asked: by undici's `request` or `fetch` with this as `dispatcher`. Every connection
 * looks its host up once, checks each address (`checkAddress`), and goes to what was checked, so that a name whose address changes in between
 * leads nowhere. Refusals are the `TargetError` itself, or the `cause` of what `fetch` throws. `request` follows no redirects; with `fetch`
 * say `redirect: 'error'`. Close it when done.
 */
export function createGuardedAgent(options: GuardedAgentOptions): Agent {
  const { allowed, connectMs = 10_000, answerMs = 10_000, connections = 8, ca, resolve = resolveAll } = options;
  const connectorFor = (protocol: 'http:' | 'https:') =>
    buildConnector({
      timeout: connectMs,
      ...(ca !== undefined && { ca }),
      lookup: checkedLookup(protocol, allowed, resolve),
    });
  const plain = connectorFor('http:');
  const secure = connectorFor('https:');
  return new Agent({
    connections,
    headersTimeout: answerMs,
    bodyTimeout: answerMs,
    connect: (target, callback) => {
      const host = bare(target.hostname);
      try {
        if (isIP(host) !== 0) checkAddress(host, host, target.protocol, allowed);
      } catch (error) {
        callback(error as TargetError, null);
        return;
      }
      (target.protocol === 'https:' ? secure : plain)(target, callback);
    },
  });
}

/** What the socket asks for addresses: it gets those that were checked, and asks nobody else. */
function checkedLookup(protocol: string, allowed: readonly AllowedTarget[], resolve: Resolve): LookupFunction {
  return (host, { all, family }, callback) => {
    const answer = async (): Promise<readonly LookupAddress[]> => {
      const found = await resolve(host).catch((cause: unknown) => {
        throw new TargetError('unresolvable', `${host} has no address now.`, { cause });
      });
      checkAddresses(host, found, protocol, allowed);
      return found;
    };
    answer().then(
      (found) => {
        if (all === true) return callback(null, [...found]);
        const wanted = found.find((one) => family === undefined || family === 0 || one.family === family) ?? found[0];
        return callback(null, wanted?.address ?? '', wanted?.family);
      },
      (error: Error) => callback(error, [], 0),
    );
  };
}
