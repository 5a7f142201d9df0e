import type { Webhook, WebhookSource } from '../domain/webhook.ts';
import { type Delivery, DeliveryError } from './delivery.ts';
import type { DeliveryMemory } from './delivery-memory.ts';
import type { Heard, Hook, HookAnswer } from './hook.ts';
import type { Intake } from './intake.ts';
import type { Readers } from './readers.ts';
import { eventGridHook } from './sources/event-grid.ts';
import { type GraphIdentity, graphEcho, graphHook } from './sources/graph.ts';
import { pubsubHook } from './sources/pubsub.ts';
import { s3SecretHook, snsHook } from './sources/s3.ts';
import { signedHook } from './sources/signed.ts';
import type { VendorGet } from './verify/vendor-get.ts';
import type { Wake } from './wake.ts';

/** A connector that sources may call for. */
export interface HookedConnector {
  readonly id: string;
  readonly webhooks: readonly Webhook[];
  readonly readers: Readers;
  /** Of connectors that are asked through Graph. */
  readonly graph?: GraphIdentity;
}

export interface WebhookDeps {
  /** As they are now: the same array until one comes, changes or goes; those that stay are the same objects. */
  readonly connectors: () => readonly HookedConnector[];
  readonly intake: Intake;
  readonly wake: Wake;
  readonly memory: DeliveryMemory;
  /** How certificates and confirmations of SNS are fetched. */
  readonly get: VendorGet;
  readonly say: (event: 'confirmed' | 'unsubscribed', connector: string, what: string) => void;
}

/** What one connector's source has sent since this process began. */
export interface HookCounts {
  /** Events that were handed over. */
  readonly taken: number;
  /** Told and of no concern: outside of the asset, deletions, tests. */
  readonly ignored: number;
  /** Deliveries that were not taken. */
  readonly refused: number;
}

export interface Webhooks {
  has(source: string, connector: string): boolean;
  /** @throws DeliveryError; IntakeError when it is proven but can't be taken now */
  take(source: string, connector: string, delivery: Delivery): Promise<HookAnswer>;
  counts(source: string, connector: string): HookCounts;
}

const NONE: HookCounts = { taken: 0, ignored: 0, refused: 0 };

/** What verifies, reads and hands over the deliveries of all connectors. */
export function createWebhooks(deps: WebhookDeps): Webhooks {
  const counted = new Map<string, HookCounts>();
  const nameOf = (source: string, connector: string) => `${source}/${connector}`;
  let from: readonly HookedConnector[] | undefined;
  let doors = new Map<string, Hook[]>();
  const hooksOf = new WeakMap<HookedConnector, readonly (readonly [string, Hook])[]>();
  const doorsNow = (): ReadonlyMap<string, Hook[]> => {
    const connectors = deps.connectors();
    if (connectors === from) return doors;
    from = connectors;
    doors = new Map();
    for (const connector of connectors) {
      const { id, webhooks } = connector;
      const hooks =
        hooksOf.get(connector) ??
        webhooks.map((settings) => [nameOf(settings.source, id), hookOf(settings, connector, deps)] as const);
      hooksOf.set(connector, hooks);
      for (const [name, hook] of hooks) doors.set(name, [...(doors.get(name) ?? []), hook]);
    }
    return doors;
  };
  const count = (name: string, more: Partial<HookCounts>): void => {
    const { taken, ignored, refused } = counted.get(name) ?? NONE;
    counted.set(name, {
      taken: taken + (more.taken ?? 0),
      ignored: ignored + (more.ignored ?? 0),
      refused: refused + (more.refused ?? 0),
    });
  };

  async function handOver(connector: string, { events, wakes = [], before }: Heard): Promise<void> {
    await before?.();
    if (events !== undefined && events.events.length > 0) await deps.intake.add(connector, events.events);
    for (const reason of wakes) await deps.wake.wake(connector, reason);
    // The others are safe by now: when the whole comes again they are repeats.
    if ((events?.unreadable ?? 0) > 0) throw new DeliveryError('invalid', 'a part of it can not be understood');
  }

  return {
    has: (source, connector) => doorsNow().has(nameOf(source, connector)),
    counts: (source, connector) => counted.get(nameOf(source, connector)) ?? NONE,
    async take(source, connector, delivery) {
      const name = nameOf(source, connector);
      const { validationToken } = delivery.query;
      if (source === ('graph' satisfies WebhookSource) && validationToken !== undefined)
        return graphEcho(validationToken);
      try {
        const heard = await hear(doorsNow().get(name) ?? [], delivery);
        const { once, answer, events, repeats } = heard;
        const found = once === undefined ? 'new' : await deps.memory.begin(once);
        if (found === 'in-hand') throw new DeliveryError('in_hand', 'it is being taken just now');
        if (found === 'taken') {
          if (repeats === 'refused') throw new DeliveryError('repeated', 'it was taken before');
          return answer ?? countsAnswer(0, 0);
        }
        try {
          await handOver(connector, heard);
        } catch (error) {
          if (once !== undefined) await deps.memory.forget(once);
          throw error;
        }
        if (once !== undefined) await deps.memory.keep(once);
        const [taken, ignored] = [events?.events.length ?? 0, events?.ignored ?? 0];
        count(name, { taken, ignored });
        return answer ?? countsAnswer(taken, ignored);
      } catch (error) {
        count(name, { refused: 1 });
        throw error;
      }
    },
  };
}

function countsAnswer(taken: number, ignored: number): HookAnswer {
  return { status: 200, type: 'application/json', body: JSON.stringify({ taken, ignored }) };
}

/** The first that takes it for proven. Of what the others say, the most telling is thrown. */
async function hear(hooks: readonly Hook[], delivery: Delivery): Promise<Heard> {
  const order = ['unverified', 'refused', 'unavailable', 'invalid'];
  let worst = new DeliveryError('unverified', 'nobody is configured to call');
  for (const hook of hooks) {
    try {
      return await hook.hear(delivery);
    } catch (error) {
      if (!(error instanceof DeliveryError)) throw error;
      if (order.indexOf(error.code) >= order.indexOf(worst.code)) worst = error;
    }
  }
  throw worst;
}

function hookOf(settings: Webhook, { id, readers, graph }: HookedConnector, deps: WebhookDeps): Hook {
  switch (settings.source) {
    case 's3':
      if (readers.kind !== 's3') break;
      if (settings.verify === 'secret') return s3SecretHook(settings, readers.body);
      return snsHook(settings, readers.body, deps.get, (event, topic) => deps.say(event, id, topic));
    case 'event-grid':
      if (readers.kind === 'azure') return eventGridHook(settings, readers.body);
      break;
    case 'pubsub':
      if (readers.kind === 'gcs') return pubsubHook(settings, readers);
      break;
    case 'graph':
      if (graph !== undefined) return graphHook(id, settings, graph);
      break;
    case 'signed':
      return signedHook(id, settings, readers);
  }
  throw new TypeError(`connector ${id} can't have the webhook ${settings.source}`);
}
