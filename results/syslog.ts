import { createSocket } from 'node:dgram';
import net from 'node:net';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { messageOf, systemCode } from '../domain/errors.ts';
import type { ResultMessage } from './message.ts';
import { type Sink, SinkError } from './sink.ts';

export interface SyslogOptions {
  readonly id: string;
  readonly send: Sink['send'];
  readonly host: string;
  readonly port: number;
  readonly transport: 'udp' | 'tcp' | 'tls';
  /** How messages are told apart on a stream: by their length in front (RFC 6587, RFC 5425), or by a line end. */
  readonly framing: 'octet-counting' | 'lines';
  /** PEM. */
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
}

const ANSWER_MS = 10_000;
/** A refusal of a datagram comes back within this, if at all. Milliseconds. */
const REFUSAL_MS = 50;
/** Facility local0; severities. */
const LOCAL0 = 16 * 8;
const SEVERITY = { error: 3, warning: 4, info: 6 } as const;

/**
 * Sends to a syslog collector. Over TCP and TLS each batch has a connection of its own, which is closed at its end: a collector that
 * closes too has read everything, since plain syslog has no other acknowledgement. Over UDP what is lost is lost.
 */
export function createSyslogSink(options: SyslogOptions): Sink {
  const { id, send, host, port, transport, framing } = options;
  return {
    id,
    send,
    receiver: `${transport}://${host}:${port}`,
    async deliver(_batch, messages) {
      const lines = messages.map((message) => Buffer.from(syslogLine(message)));
      try {
        if (transport === 'udp') await overUdp(options, lines);
        else await overStream(options, Buffer.concat(lines.map((line) => framed(line, framing))));
      } catch (error) {
        throw sinkError(error, `${transport}://${host}:${port}`);
      }
    },
  };
}

/** RFC 5424, in ASCII: what JSON can escape is escaped. */
export function syslogLine(message: ResultMessage, host = hostname()): string {
  const severity = message.item_action.status === 'error' ? 'error' : isFinding(message) ? 'warning' : 'info';
  const json = JSON.stringify(message).replaceAll(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  const from = host.replaceAll(/[^\x21-\x7e]/g, '') || '-';
  const kind = message.event === 'action' ? 'action' : message.outcome;
  return `<${LOCAL0 + SEVERITY[severity]}>1 ${message.timestamp}Z ${from} dsx-connect - ${kind} - ${json}`;
}

function isFinding({ outcome }: ResultMessage): boolean {
  return outcome === 'malicious' || outcome === 'policy_blocked';
}

function framed(line: Buffer, framing: SyslogOptions['framing']): Buffer {
  return framing === 'lines'
    ? Buffer.concat([line, Buffer.from('\n')])
    : Buffer.concat([Buffer.from(`${line.length} `), line]);
}

function overStream({ host, port, transport, tls: material }: SyslogOptions, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = { host, port };
    const named = net.isIP(host) === 0 ? { servername: host } : {};
    const socket = transport === 'tls' ? tls.connect({ ...server, ...named, ...material }) : net.connect(server);
    let ended = false;
    socket.setTimeout(ANSWER_MS, () => {
      // It keeps the connection although we are through: not every collector closes. Everything was handed over without an error.
      if (ended) resolve();
      socket.destroy(ended ? undefined : new Error(`no answer within ${ANSWER_MS / 1_000} s`));
    });
    socket.once(transport === 'tls' ? 'secureConnect' : 'connect', () => {
      socket.end(bytes, () => {
        ended = true;
      });
    });
    // Whatever a collector says is read, or its close would never be seen.
    socket.resume();
    socket.once('error', reject);
    socket.once('close', (failed: boolean) => {
      if (!failed && ended) resolve();
      else reject(new Error('the connection was closed before everything was sent'));
    });
  });
}

async function overUdp({ host, port }: SyslogOptions, lines: readonly Buffer[]): Promise<void> {
  const socket = createSocket(net.isIPv6(host) ? 'udp6' : 'udp4');
  let failure: Error | undefined;
  socket.on('error', (error) => {
    failure ??= error;
  });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.connect(port, host, resolve);
    });
    for (const [index, line] of lines.entries()) {
      await new Promise<void>((resolve, reject) => {
        socket.send(line, (error) => (error === null ? resolve() : reject(error)));
      });
      // The first one tells whether anybody listens.
      if (index === 0) await sleep(REFUSAL_MS);
      if (failure !== undefined) throw failure;
    }
    await sleep(REFUSAL_MS);
    if (failure !== undefined) throw failure;
  } finally {
    socket.close();
  }
}

const UNTRUSTED = /^(CERT_|ERR_TLS_CERT|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT|UNABLE_TO_|HOSTNAME_MISMATCH)/;

/** What was thrown on the way to a receiver. */
export function sinkError(error: unknown, where: string): SinkError {
  if (error instanceof SinkError) return error;
  const code = systemCode(error) ?? '';
  const kind = UNTRUSTED.test(code) ? 'sink_untrusted' : 'sink_unreachable';
  return new SinkError(kind, `${where}: ${messageOf(error) || code || 'no connection'}`, { cause: error });
}
