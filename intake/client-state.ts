import { createHmac } from 'node:crypto';

/**
 * The `clientState` of a connector's subscriptions: made from the configured secret, so that nobody has to keep it. Graph takes 128
 * characters at most; this has 43.
 * @param secret of the webhook `graph`
 * @param connector its id
 */
export function clientStateOf(secret: string, connector: string): string {
  return createHmac('sha256', secret).update(`graph clientState\n${connector}`, 'utf8').digest('base64url');
}
