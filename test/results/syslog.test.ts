import { expect, it } from 'vitest';
import type { ResultMessage } from '../../results/message.ts';
import { createSyslogSink, syslogLine } from '../../results/syslog.ts';
import { pair } from '../support/pem-files.ts';
import { Collector, jsonOf } from './collector.ts';

const nothing = { description: null, id: null, preview: null };

function message(n: number, outcome = 'malicious'): ResultMessage {
  return {
    id: `job-1/0-0:${n}`,
    event: 'outcome',
    timestamp: '2026-11-23T10:00:00.000',
    source: 'dsx-connect',
    outcome,
    scan_request: {
      location: `büro/${n}\n"x".exe`,
      metainfo: 'x',
      connector: {
        ...{ name: 'finance', display_name: 'finance', uuid: 'b335399f-e6c3-4125-b67f-3da3ca902972', url: '' as const },
        ...{ item_action: 'nothing', item_action_move_metainfo: '', filter: '' },
      },
      connector_url: '',
      requested_action: null,
      size_in_bytes: 68,
      scan_job_id: 'job-1',
      job_item_id: `0-0:${n}`,
      scan_source: null,
    },
    verdict: { verdict: 'Malicious' },
    item_action: { status: 'nothing', item_action: 'nothing', message: 'No action taken', ...nothing },
  };
}
const MANY = Array.from({ length: 500 }, (_, n) => message(n));
const common = { id: 'siem', send: 'findings', host: '127.0.0.1', framing: 'octet-counting' } as const;

it('is RFC 5424 in ASCII, with the facts as JSON', () => {
  const line = syslogLine(message(7), 'host a');
  expect(line).toMatch(/^<132>1 2026-11-23T10:00:00\.000Z hosta dsx-connect - malicious - \{/);
  expect(line).toMatch(/^[\x20-\x7e]+$/);
  expect(jsonOf(line)).toEqual(message(7));
  expect(syslogLine(message(1, 'clean'), 'h')).toMatch(/^<134>1 /);
});

it.each(['octet-counting', 'lines'] as const)('over TCP (%s) arrives whole and in order', async (framing) => {
  const collector = await Collector.stream(framing);
  try {
    await createSyslogSink({ ...common, framing, transport: 'tcp', port: collector.port }).deliver('b', MANY);
    expect(collector.messages.map((text) => jsonOf(text).id)).toEqual(MANY.map(({ id }) => id));
  } finally {
    await collector.stop();
  }
});

it('over TLS arrives, with a client certificate, and goes to nobody who is not trusted', async () => {
  const server = pair();
  const client = pair();
  const options = { cert: server.cert, key: server.key, ca: client.cert, requestCert: true, rejectUnauthorized: true };
  const collector = await Collector.stream('octet-counting', options);
  const identity = { cert: Buffer.from(client.cert), key: Buffer.from(client.key) };
  const sink = (tls: object) => createSyslogSink({ ...common, transport: 'tls', port: collector.port, tls });
  try {
    await sink({ ...identity, ca: Buffer.from(server.cert) }).deliver('b', MANY);
    expect(collector.messages).toHaveLength(500);
    await expect(sink(identity).deliver('b', MANY)).rejects.toMatchObject({ code: 'sink_untrusted' });
    await expect(sink({ ca: Buffer.from(server.cert) }).deliver('b', MANY)).rejects.toMatchObject({
      code: 'sink_unreachable',
    });
    expect(collector.messages).toHaveLength(500);
  } finally {
    await collector.stop();
  }
});

it('over UDP arrives, and a collector that is away is noticed on the same host', async () => {
  const collector = await Collector.datagrams();
  const sink = createSyslogSink({ ...common, transport: 'udp', port: collector.port });
  await sink.deliver('b', MANY);
  await expect.poll(() => collector.messages.length).toBe(500);
  await collector.stop();
  await expect(sink.deliver('b', MANY)).rejects.toMatchObject({ code: 'sink_unreachable' });
});

it('tells a collector that is away', async () => {
  const collector = await Collector.stream('lines');
  await collector.stop();
  const sink = createSyslogSink({ ...common, transport: 'tcp', port: collector.port });
  await expect(sink.deliver('b', MANY)).rejects.toMatchObject({ code: 'sink_unreachable' });
});
