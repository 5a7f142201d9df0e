import type { SinkSettings } from '../config/results.ts';
import { readTls } from '../config/tls.ts';
import { type AllowedTarget, parseAllowed } from '../net/allowed.ts';
import { bare } from '../net/target.ts';
import type { Sink } from '../results/sink.ts';
import { createSyslogSink } from '../results/syslog.ts';
import { createWebhookSink } from '../results/webhook.ts';

/** The sinks of a configuration, by id. */
export function createSinks(
  settings: readonly SinkSettings[],
  allowed: readonly AllowedTarget[],
): ReadonlyMap<string, Sink> {
  return new Map(settings.map((one) => [one.id, sinkOf(one, allowed)]));
}

function sinkOf(settings: SinkSettings, allowed: readonly AllowedTarget[]): Sink {
  const { ca, cert, key } = readTls(settings.tls);
  const { id, send } = settings;
  if (settings.kind === 'webhook') {
    const { url, secret, privateAddress } = settings;
    return createWebhookSink({
      id,
      send,
      url,
      secret,
      ...(ca !== undefined && { ca }),
      allowed: privateAddress ? [...allowed, ...itself(url)] : allowed,
    });
  }
  const { host, port, transport, framing } = settings;
  const tls = {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
  return createSyslogSink({ id, send, host, port, transport, framing, tls });
}

/** The host of an address, as something that is allowed. */
function itself(url: string): AllowedTarget[] {
  const own = parseAllowed(bare(new URL(url).hostname));
  return own === undefined ? [] : [own];
}
