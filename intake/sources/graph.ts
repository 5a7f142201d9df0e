import { timingSafeEqual } from 'node:crypto';
import { fields, parseFields } from '../../domain/loose-json.ts';
import { GRAPH_NOTIFIER_APP, type GraphWebhook } from '../../domain/webhook.ts';
import type { WakeReason } from '../../workflows/messages.ts';
import { clientStateOf } from '../client-state.ts';
import { DeliveryError, single, textOf } from '../delivery.ts';
import type { Heard, Hook, HookAnswer } from '../hook.ts';
import { entraCheck } from '../verify/entra.ts';
import { secretsOf } from '../verify/secret.ts';

/** What Graph says about a subscription itself. */
const LIFECYCLE: Readonly<Record<string, WakeReason>> = {
  reauthorizationRequired: 'reauthorize',
  subscriptionRemoved: 'subscription_removed',
  missed: 'missed',
};
const MAX_TOKENS = 10;

/** Who asks for the connector's items: the audience of the tokens that may come along. */
export interface GraphIdentity {
  readonly tenantId: string;
  readonly clientId: string;
}

/**
 * Notifications of Graph. They name no item: they wake the watch, which asks for what changed. Each must carry the `clientState` of
 * the connector's own subscriptions; those that do not are passed over, and alone they are refused.
 */
export function graphHook(connector: string, settings: GraphWebhook, identity: GraphIdentity): Hook {
  const { issuer, jwksUrl } = settings;
  const checkToken = entraCheck({
    tenantId: identity.tenantId,
    audience: identity.clientId,
    clientId: GRAPH_NOTIFIER_APP,
    ...(issuer !== undefined && { issuer }),
    ...(jwksUrl !== undefined && { jwksUrl }),
  });
  return {
    source: 'graph',
    async hear(delivery): Promise<Heard> {
      const body = parseFields(textOf(delivery.body));
      const given = Array.isArray(body?.value) ? body.value.map(fields) : [];
      const states = secretsOf(settings).map((secret) => clientStateOf(secret.reveal(), connector));
      const ours = given.filter(({ clientState }) => isOneOf(clientState, states));
      if (ours.length === 0) throw new DeliveryError('unverified', 'no notification has the clientState of ours');
      const tokens = body?.validationTokens ?? [];
      if (!Array.isArray(tokens) || tokens.length > MAX_TOKENS || !tokens.every((one) => typeof one === 'string')) {
        throw new DeliveryError('unverified', 'validationTokens are none');
      }
      for (const token of tokens) await checkToken(token as string);
      const wakes = ours.map((one) => LIFECYCLE[String(one.lifecycleEvent)] ?? 'changed');
      return { wakes: [...new Set(wakes)], answer: ACCEPTED, repeats: 'answered' };
    },
  };
}

const ACCEPTED: HookAnswer = { status: 202, type: 'application/json', body: '{}' };

/** Compares with all of them, always, and in the same time whatever was shown. */
function isOneOf(shown: unknown, states: readonly string[]): boolean {
  const given = Buffer.from(typeof shown === 'string' ? shown : '', 'utf8');
  return states
    .map((state) => {
      const expected = Buffer.from(state, 'utf8');
      return given.length === expected.length && timingSafeEqual(given, expected);
    })
    .some((equal) => equal);
}

const LONGEST_ECHO = 1024;

/**
 * The answer to Graph's test of a new subscription: the token as plain text.
 * @throws DeliveryError `invalid` for one that is too long, or that a browser might take for more than text
 */
export function graphEcho(token: string | readonly string[]): HookAnswer {
  const one = single(token);
  if (one === undefined || one.length > LONGEST_ECHO || !/^[\x20-\x7e]+$/.test(one) || /[<>&"'`]/.test(one)) {
    throw new DeliveryError('invalid', 'validationToken is none');
  }
  return { status: 200, type: 'text/plain; charset=utf-8', body: one };
}
