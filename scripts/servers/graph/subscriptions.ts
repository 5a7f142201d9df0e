import { GraphFailure, jsonOf, type Reply, type Request } from './http.ts';
import { post, validate } from './receiver.ts';

interface Subscription {
  readonly id: string;
  readonly resource: string;
  readonly changeType: string;
  readonly notificationUrl: string;
  readonly lifecycleNotificationUrl?: string;
  readonly clientState?: string;
  expirationDateTime: string;
}

/** Longest life of a subscription on a drive, in milliseconds: 42,300 minutes. */
const LONGEST_MS = 42_300 * 60_000;

/** Subscriptions on drives, and the notifications that they bring. */
export class Subscriptions {
  readonly all = new Map<string, Subscription>();
  readonly #tenantId: string;
  /** The drive that a resource names, or undefined. */
  readonly #driveOf: (resource: string) => string | undefined;
  readonly #sending = new Set<Promise<unknown>>();
  readonly #due = new Set<string>();
  /** Ids, in the order in which they were authorised anew. */
  readonly reauthorized: string[] = [];

  constructor(tenantId: string, driveOf: (resource: string) => string | undefined) {
    this.#tenantId = tenantId;
    this.#driveOf = driveOf;
  }

  /** `id`: '' for all of them. @throws GraphFailure */
  async answer(id: string, request: Request): Promise<Reply> {
    if (id === '') {
      if (request.method === 'GET') return { status: 200, body: { value: this.#live().map(shown) } };
      if (request.method === 'POST') return this.#create(jsonOf(request));
    }
    const [, renewed = '', reauthorize] = /^([^/]+)(\/reauthorize)?$/.exec(id) ?? [];
    const found = this.#live().find((one) => one.id === renewed);
    if (found === undefined) throw new GraphFailure(404, 'ResourceNotFound', 'The object was not found.');
    if (reauthorize !== undefined) {
      if (request.method !== 'POST') throw new GraphFailure(405, 'BadRequest', 'Only POST.');
      this.reauthorized.push(found.id);
      return { status: 204 };
    }
    if (request.method === 'DELETE') {
      this.all.delete(found.id);
      return { status: 204 };
    }
    if (request.method === 'PATCH') found.expirationDateTime = expiration(jsonOf(request).expirationDateTime);
    return { status: 200, body: shown(found) };
  }

  /** Tells whoever has subscribed to this drive that something has changed; several changes at once are told once. */
  changed(driveId: string): void {
    if (this.#due.has(driveId)) return;
    this.#due.add(driveId);
    setImmediate(() => {
      this.#due.delete(driveId);
      for (const one of this.#live()) {
        if (this.#driveOf(one.resource) !== driveId) continue;
        const resourceData = { '@odata.type': '#Microsoft.Graph.DriveItem' };
        this.#send(one.notificationUrl, { ...this.#head(one), changeType: one.changeType, resourceData });
      }
    });
  }

  /** Tells that a subscription needs a new token, is gone (it then is), or missed something. */
  lifecycle(id: string, event: 'reauthorizationRequired' | 'subscriptionRemoved' | 'missed'): void {
    const one = this.all.get(id);
    if (one?.lifecycleNotificationUrl === undefined) throw new Error(`no subscription ${id} with an address for that`);
    if (event === 'subscriptionRemoved') this.all.delete(id);
    this.#send(one.lifecycleNotificationUrl, { ...this.#head(one), lifecycleEvent: event });
  }

  /** Its end has come. */
  expire(id: string): void {
    const one = this.all.get(id);
    if (one === undefined) throw new Error(`no subscription ${id}`);
    one.expirationDateTime = new Date().toISOString();
  }

  /** Resolves when all notifications that are due have been answered. */
  async sent(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    await Promise.allSettled(this.#sending);
  }

  #live(): Subscription[] {
    for (const [id, { expirationDateTime }] of this.all) {
      if (Date.parse(expirationDateTime) <= Date.now()) this.all.delete(id);
    }
    return [...this.all.values()];
  }

  async #create(body: Record<string, unknown>): Promise<Reply> {
    const { resource, changeType, notificationUrl, lifecycleNotificationUrl, clientState } = body as Record<
      string,
      string
    >;
    if (resource === undefined || this.#driveOf(resource) === undefined)
      throw invalid('The resource is not supported.');
    if (changeType !== 'updated') throw invalid('changeType: the root of a drive supports updated alone.');
    if (clientState !== undefined && clientState.length > 128) throw invalid('clientState is longer than 128.');
    const expirationDateTime = expiration(body.expirationDateTime);
    for (const url of [notificationUrl, lifecycleNotificationUrl]) {
      if (url !== undefined || url === notificationUrl) await validate(url ?? '');
    }
    const one: Subscription = {
      id: crypto.randomUUID(),
      resource,
      changeType,
      notificationUrl: notificationUrl as string,
      ...(lifecycleNotificationUrl !== undefined && { lifecycleNotificationUrl }),
      ...(clientState !== undefined && { clientState }),
      expirationDateTime,
    };
    this.all.set(one.id, one);
    return { status: 201, body: shown(one) };
  }

  #head({ id, clientState, resource, expirationDateTime }: Subscription) {
    const state = clientState === undefined ? {} : { clientState };
    return {
      subscriptionId: id,
      ...state,
      resource,
      tenantId: this.#tenantId,
      subscriptionExpirationDateTime: expirationDateTime,
    };
  }

  #send(url: string, entry: object): void {
    const sending = post(url, 'application/json', JSON.stringify({ value: [entry] })).catch(() => undefined);
    this.#sending.add(sending);
    void sending.finally(() => this.#sending.delete(sending));
  }
}

/** The client state is never told again. */
function shown({ clientState: _, ...rest }: Subscription): object {
  return rest;
}

function expiration(value: unknown): string {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  const left = time - Date.now();
  if (left > 0 && left <= LONGEST_MS) return new Date(time).toISOString();
  throw invalid('expirationDateTime must be ahead, and by at most 42300 minutes.');
}

function invalid(text: string): GraphFailure {
  return new GraphFailure(400, 'InvalidRequest', text);
}
