import type { SinkSettings } from '../config/results.ts';
import { readTls } from '../config/tls.ts';
import { publicAddress } from '../results/address-guard.ts';
import type { Sink } from '../results/sink.ts';
import { createSyslogSink } from '../results/syslog.ts';
import { createWebhookSink } from '../results/webhook.ts';

/** The sinks of a configuration, by id. */
export function createSinks(settings: readonly SinkSettings[]): ReadonlyMap<string, Sink> {
  return new Map(settings.map((one) => [one.id, sinkOf(one)]));
}

function sinkOf(settings: SinkSettings): Sink {
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
      ...(!privateAddress && { guard: publicAddress }),
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
