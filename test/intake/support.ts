import { createHmac } from 'node:crypto';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { Agent } from 'undici';
import { hookedConnectors } from '../../api/hooked-connectors.ts';
import { connectorSchema } from '../../config/connectors/connectors.ts';
import type { StorageEvent } from '../../domain/event.ts';
import { createLocalDeliveries, type DeliveryMemory } from '../../intake/delivery-memory.ts';
import type { Intake } from '../../intake/intake.ts';
import { vendorGet } from '../../intake/verify/vendor-get.ts';
import { createWebhooks, type Webhooks } from '../../intake/webhooks.ts';
import type { WakeReason } from '../../workflows/messages.ts';
import { type Api, startApi } from '../api/fixture.ts';
import { TEST_CERT, TEST_KEY } from '../scanner/tls-fixture.ts';
import { SNS_CERT } from './sns-fixture.ts';

/** Takes events into a list, until it is told to fail. */
export class ListIntake implements Intake {
  readonly events: { readonly connector: string; readonly event: StorageEvent }[] = [];
  fault: Error | undefined;
  /** Awaited before anything is taken. */
  gate: Promise<void> | undefined;

  async add(connector: string, events: readonly StorageEvent[]): Promise<void> {
    await this.gate;
    if (this.fault !== undefined) throw this.fault;
    this.events.push(...events.map((event) => ({ connector, event })));
  }

  get locations(): readonly string[] {
    return this.events.map(({ event }) => event.location);
  }

  async close(): Promise<void> {}
}

/** Stands for all hosts of SNS: every address that is asked for leads here, and is noted as it was asked for. */
export interface VendorHost {
  readonly asked: string[];
  readonly get: ReturnType<typeof vendorGet>;
  /** What it answers; the default has the certificate, and confirms. */
  answer: (url: string) => { readonly status: number; readonly body: string; readonly location?: string };
  stop(): Promise<void>;
}

export async function startVendorHost(): Promise<VendorHost> {
  const asked: string[] = [];
  const server = createServer({ cert: TEST_CERT, key: TEST_KEY }, (request, response) => {
    const url = `https://${request.headers.host}${request.url}`;
    asked.push(url);
    const { status, body, location } = host.answer(url);
    response.writeHead(status, location === undefined ? {} : { location }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({
    connect: (_options, done) => {
      const socket = tlsConnect({ host: '127.0.0.1', port, ca: TEST_CERT });
      socket.once('secureConnect', () => done(null, socket)).once('error', (error) => done(error, null));
    },
  });
  const host: VendorHost = {
    asked,
    get: vendorGet(agent),
    answer: (url) => ({ status: 200, body: url.endsWith('.pem') ? SNS_CERT : '<ConfirmSubscriptionResponse/>' }),
    async stop() {
      await agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return host;
}

/** An authority that issues tokens, with its keys on a server of its own. */
export interface Issuer {
  readonly issuer: string;
  readonly jwksUrl: string;
  /** Times its keys were asked for. */
  readonly asked: readonly string[];
  /** Set: keys are answered with this status. */
  status: number;
  token(claims: JWTPayload, options?: { readonly foreign?: boolean; readonly expired?: boolean }): Promise<string>;
  stop(): Promise<void>;
}

export async function startIssuer(): Promise<Issuer> {
  const own = await generateKeyPair('RS256', { extractable: true });
  const foreign = await generateKeyPair('RS256');
  const keys = { keys: [{ ...(await exportJWK(own.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }] };
  const asked: string[] = [];
  const server = createHttpServer((request: IncomingMessage, response) => {
    asked.push(request.url ?? '');
    response.writeHead(issuer.status, { 'content-type': 'application/json' }).end(JSON.stringify(keys));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer: Issuer = {
    issuer: 'https://issuer.example',
    jwksUrl: `${origin}/keys`,
    asked,
    status: 200,
    token: (claims, options = {}) =>
      new SignJWT({ iss: 'https://issuer.example', ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: 'one' })
        .setIssuedAt(options.expired ? '-2h' : '0s')
        .setExpirationTime(options.expired ? '-1h' : '1h')
        .sign(options.foreign ? foreign.privateKey : own.privateKey),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return issuer;
}

/** The API with one connector that sources call for. */
export interface Door {
  readonly api: Api;
  readonly intake: ListIntake;
  readonly webhooks: Webhooks;
  readonly woken: { readonly connector: string; readonly reason: WakeReason }[];
  readonly said: string[];
  /** Set: waking fails with it. */
  wakeFault: Error | undefined;
  /** A delivery; the answer's status and body. */
  send(path: string, body: string | Buffer, headers?: Record<string, string>): Promise<Sent>;
  stop(): Promise<void>;
}

export interface Sent {
  readonly status: number;
  readonly code: string | undefined;
  readonly body: unknown;
  readonly retryAfter: string | null;
}

export interface DoorOptions {
  readonly get?: ReturnType<typeof vendorGet>;
  readonly memory?: DeliveryMemory;
  readonly settings?: Parameters<typeof startApi>[0] extends infer O | undefined
    ? O extends { settings?: infer S }
      ? S
      : never
    : never;
}

/** @param connector as in dsx-connect.yaml */
export async function startDoor(connector: Record<string, unknown>, options: DoorOptions = {}): Promise<Door> {
  const intake = new ListIntake();
  const woken: { connector: string; reason: WakeReason }[] = [];
  const said: string[] = [];
  const unexpected = async (): Promise<never> => {
    throw new Error('no vendor is to be asked');
  };
  const hooked = hookedConnectors([connectorSchema.parse(connector)]);
  const webhooks = createWebhooks({
    connectors: () => hooked,
    intake,
    wake: {
      async wake(id, reason) {
        if (door.wakeFault !== undefined) throw door.wakeFault;
        woken.push({ connector: id, reason });
      },
    },
    memory: options.memory ?? createLocalDeliveries(),
    get: options.get ?? unexpected,
    say: (event, id, what) => void said.push(`${id}: ${event} ${what}`),
  });
  const api = await startApi({ webhooks, ...(options.settings !== undefined && { settings: options.settings }) });
  const door: Door = {
    api,
    intake,
    webhooks,
    woken,
    said,
    wakeFault: undefined,
    async send(path, body, headers = {}) {
      const response = await api.ask(path, { method: 'POST', headers, body });
      const text = await response.text();
      const parsed = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : text;
      const code = typeof parsed === 'object' ? (parsed.code as string | undefined) : undefined;
      return { status: response.status, code, body: parsed, retryAfter: response.headers.get('retry-after') };
    },
    stop: () => api.stop(),
  };
  return door;
}

/** The headers of Standard Webhooks for this body. `secret`: base64. */
export function signedHeaders(
  body: string,
  secret: string,
  { id = 'msg_1', seconds = Math.floor(Date.now() / 1000) }: { readonly id?: string; readonly seconds?: number } = {},
): Record<string, string> {
  const signature = createHmac('sha256', Buffer.from(secret, 'base64'))
    .update(`${id}.${seconds}.${body}`)
    .digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': `v1,${signature}` };
}
