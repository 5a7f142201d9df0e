import { createHmac } from 'node:crypto';
import type { Webhook } from '../domain/webhook.ts';

/**
 * The `clientState` of a connector's subscriptions: made from the configured secret, so that nobody has to keep it. Graph takes 128
 * characters at most; this has 43.
 * @param secret of the webhook `graph`
 * @param connector its id
 */
export function clientStateOf(secret: string, connector: string): string {
  return createHmac('sha256', secret).update(`graph clientState\n${connector}`, 'utf8').digest('base64url');
}

/** Where Graph is to call for a connector, and the `clientState` of its subscriptions; undefined where it is not to call. */
export function graphCallback(
  connector: string,
  webhooks: readonly Webhook[],
): { readonly url: string; readonly clientState: string } | undefined {
  const graph = webhooks.find(({ source }) => source === 'graph');
  if (graph?.source !== 'graph') return undefined;
  return { url: graph.url, clientState: clientStateOf(graph.secret.reveal(), connector) };
}
