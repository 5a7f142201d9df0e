import path from 'node:path';
import { z } from 'zod';
import { MissingSecret, secret } from './connectors/secret-field.ts';
import { integer, name, onOff } from './fields.ts';
import type { Secret } from './secret.ts';
import { type TlsFiles, tlsFiles } from './tls.ts';

/** Which outcomes are sent. */
export const SENT = ['findings', 'all'] as const;

interface CommonSink {
  readonly id: string;
  readonly send: (typeof SENT)[number];
}
/** One place that results are sent to. */
export type SinkSettings =
  | (CommonSink & {
      readonly kind: 'syslog';
      readonly host: string;
      readonly port: number;
      readonly transport: 'udp' | 'tcp' | 'tls';
      readonly framing: 'octet-counting' | 'lines';
      readonly tls: TlsFiles;
    })
  | (CommonSink & {
      readonly kind: 'webhook';
      readonly url: string;
      readonly secret: Secret;
      readonly tls: TlsFiles;
      readonly privateAddress: boolean;
    });

const asFields = { error: 'must be a set of fields, each with a colon' };
const filePath = z.string({ error: 'must be a path' }).min(1, { error: 'must be a path' });
const sent = z.enum(SENT, { error: `must be ${SENT.join(' or ')}` }).default('findings');
/** Where nothing else is said: the port of the transport. */
const PORTS = { udp: 514, tcp: 514, tls: 6514 } as const;

const syslog = z
  .strictObject(
    {
      id: name,
      kind: z.literal('syslog'),
      send: sent,
      host: z.string({ error: 'must be a name or an address' }).regex(/^[A-Za-z0-9._:-]{1,253}$/, {
        error: 'must be a name or an address, without a scheme',
      }),
      port: integer(1, 65_535).optional(),
      transport: z.enum(['udp', 'tcp', 'tls'], { error: 'must be udp, tcp or tls' }).default('tls'),
      framing: z
        .enum(['octet-counting', 'lines'], { error: 'must be octet-counting or lines' })
        .default('octet-counting'),
      caFile: filePath.optional(),
      certFile: filePath.optional(),
      keyFile: filePath.optional(),
    },
    asFields,
  )
  .superRefine((sink, context) => {
    for (const field of ['caFile', 'certFile', 'keyFile'] as const) {
      if (sink[field] !== undefined && sink.transport !== 'tls')
        context.addIssue({ code: 'custom', path: [field], message: 'is for transport: tls', input: sink });
    }
    for (const [one, other] of [
      ['certFile', 'keyFile'],
      ['keyFile', 'certFile'],
    ] as const) {
      if (sink[one] !== undefined && sink[other] === undefined)
        context.addIssue({ code: 'custom', path: [one], message: `needs ${other} too`, input: sink });
    }
  });

/** Bytes of a signing key, as Standard Webhooks wants them. */
const signingKey = secret.refine(
  (value) => {
    if (value instanceof MissingSecret) return true;
    const [, base64] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(value.reveal()) ?? [];
    const { length } = Buffer.from(base64 ?? '', 'base64');
    return length >= 24 && length <= 64;
  },
  { error: 'must be whsec_ and base64 of 24 to 64 bytes; make one with: echo "whsec_$(openssl rand -base64 32)"' },
);

const webhook = z.strictObject(
  {
    id: name,
    kind: z.literal('webhook'),
    send: sent,
    url: z.string({ error: 'must be an https:// address' }).refine((value) => {
      const url = URL.canParse(value) ? new URL(value) : undefined;
      return url?.protocol === 'https:' && url.username === '' && url.password === '' && url.hash === '';
    }, 'must be an https:// address without user and fragment'),
    secret: signingKey,
    caFile: filePath.optional(),
    privateAddress: onOff.default(false),
  },
  asFields,
);

/** One entry of `results:` in the file. */
export const sinkSchema = z.discriminatedUnion('kind', [syslog, webhook], {
  error: (issue) => (issue.code === 'invalid_union' ? 'must be syslog or webhook' : asFields.error),
});

/** Names of fields of a sink that hold secrets. */
export const SINK_SECRETS: readonly string[] = ['secret'];

/** The fields of a sink of this kind. */
export function sinkFields(kind: unknown): readonly string[] {
  return Object.keys(kind === 'webhook' ? webhook.shape : syslog.shape);
}

/** As the processes use it. A relative path starts at the folder of the file. */
export function sinkOf(sink: z.output<typeof sinkSchema>, from: string): SinkSettings {
  const at = (file: string | undefined) => (file === undefined ? undefined : path.resolve(from, file));
  const { id, send } = sink;
  if (sink.kind === 'webhook') {
    const { kind, url, secret: key, privateAddress } = sink;
    return { id, send, kind, url, secret: key, privateAddress, tls: tlsFiles(undefined, undefined, at(sink.caFile)) };
  }
  const { kind, host, transport, framing, port = PORTS[transport] } = sink;
  return {
    id,
    send,
    kind,
    host,
    port,
    transport,
    framing,
    tls: tlsFiles(at(sink.certFile), at(sink.keyFile), at(sink.caFile)),
  };
}
