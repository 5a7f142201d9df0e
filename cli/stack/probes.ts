import { connect } from 'node:net';
import { messageOf } from '../../domain/errors.ts';
import { grpcCall, stringField } from './grpc-call.ts';

/** The search attributes by which jobs are found in Temporal. */
export const SEARCH_ATTRIBUTES = ['DsxJob', 'DsxConnector', 'DsxState', 'DsxSchedule'] as const;

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Takes `host:port` or `[v6]:port` apart; undefined when it is neither. */
export function parseAddress(address: string, defaultPort?: number): HostPort | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]/\s]+))(?::(\d{1,5}))?$/.exec(address);
  const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
  const host = match?.[1] ?? match?.[2];
  return host === undefined || port === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

/** Resolves when something accepts a connection there. @throws the system's error, or one that says it took too long */
export function tcpConnect(where: HostPort, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: where.host, port: where.port });
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
  });
}

/** What is wrong with the Temporal server there, or undefined when it serves this namespace. */
export async function temporalProblem(
  address: string,
  namespace: string,
  timeoutMs: number,
): Promise<string | undefined> {
  try {
    const path = '/temporal.api.workflowservice.v1.WorkflowService/DescribeNamespace';
    const answer = await grpcCall(address, path, stringField(1, namespace), timeoutMs);
    return answer.status === 0
      ? undefined
      : `it refuses the namespace ${namespace}: ${answer.message || `gRPC status ${answer.status}`}`;
  } catch (error) {
    return messageOf(error) || 'no connection';
  }
}

/** Whether the embedded Temporal has set up its namespace and our search attributes, which it does after it opened its port. */
export async function temporalIsReady(address: string): Promise<boolean> {
  if ((await temporalProblem(address, 'default', 2_000)) !== undefined) return false;
  try {
    const path = '/temporal.api.operatorservice.v1.OperatorService/ListSearchAttributes';
    const answer = await grpcCall(address, path, stringField(1, 'default'), 2_000);
    return answer.status === 0 && SEARCH_ATTRIBUTES.every((name) => answer.body.includes(name));
  } catch {
    return false;
  }
}

/** The process id of the Valkey or Redis there once it serves, or undefined. Without password or TLS, as ours runs. */
export function valkeyPid(port: number, timeoutMs: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ host: '127.0.0.1', port });
    const end = (pid?: number) => {
      socket.destroy();
      resolve(pid);
    };
    socket.setTimeout(timeoutMs, () => end());
    socket.once('error', () => end());
    socket.once('close', () => end());
    // While it still reads its log, PING is refused although INFO is answered.
    socket.write('PING\r\nINFO server\r\n');
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (text.startsWith('-')) end();
      const pid = /\r\nprocess_id:(\d+)\r\n/.exec(text);
      if (pid) end(Number(pid[1]));
    });
  });
}

/** What is wrong with the Redis at this URL, which may need a password and TLS; undefined when it answers. */
export async function redisProblem(url: string, timeoutMs: number): Promise<string | undefined> {
  const { createClient } = await import('redis');
  try {
    const client = createClient({ url, socket: { connectTimeout: timeoutMs, reconnectStrategy: false } });
    client.on('error', () => undefined);
    try {
      await withinTime(client.connect(), timeoutMs);
      await withinTime(client.ping(), timeoutMs);
    } finally {
      client.destroy();
    }
    return undefined;
  } catch (error) {
    return messageOf(error) || 'no connection';
  }
}

async function withinTime<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
