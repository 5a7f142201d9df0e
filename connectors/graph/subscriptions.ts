import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ConnectorError } from '../errors.ts';
import type { Callback, Subscriber, Subscription } from '../subscriber.ts';
import type { GraphClient, Question } from './client.ts';
import { readAs } from './drive-item.ts';
import { pathAddress } from './names.ts';
import type { Drive } from './places.ts';

/** Lives so long from each renewal on. Graph takes 30 days less a little; less is less to clear away where a connector ends unseen. Milliseconds. */
const LIFE = 3 * 86_400_000;
/** Parameter of the address that tells which secret a subscription has: Graph never shows the secret itself. */
const MARK = 'state';
const PATH = '/subscriptions';

const NEEDED =
  'the application may not subscribe to changes: grant it Files.Read.All or Sites.Read.All, or their ReadWrite forms (Sites.Selected does not reach subscriptions), or watch without a webhook';

const SUBSCRIPTION = z.object({
  id: z.string().min(1),
  resource: z.string(),
  notificationUrl: z.string().nullish(),
  expirationDateTime: z.string(),
});
type Known = z.infer<typeof SUBSCRIPTION>;
const PAGE = z.object({ value: z.array(SUBSCRIPTION), '@odata.nextLink': z.string().optional() });

/** Subscribes to the roots of drives; nothing else of a drive can be subscribed to. */
export function createGraphSubscriber(
  client: GraphClient,
  drives: (signal: AbortSignal) => Promise<readonly Drive[]>,
): Subscriber {
  /** An answer, with what Graph refuses told in its own terms. */
  async function ask(question: Question, url: string, signal: AbortSignal) {
    const answer = await client.ask({ ...question, about: 'drive', accept: [400, 403, 404] }, signal);
    const { status, code = '' } = answer;
    if (status === 403) throw refused(question, `${status} ${code}: ${NEEDED}`);
    if (status !== 400) return answer;
    const remedy = `Graph must reach ${originOf(url)} over https, with a certificate that it trusts, and be answered within 10 s`;
    throw refused(question, `${status} ${code}: ${remedy}`);
  }

  /** Those of this application that call this address, whatever their secret. */
  async function ours(url: string, signal: AbortSignal): Promise<Known[]> {
    const found: Known[] = [];
    const doing = 'listing subscriptions';
    for (let path: string | undefined = PATH; path !== undefined; ) {
      const { body } = await ask({ path, doing }, url, signal);
      const page = readAs(PAGE, body, doing);
      found.push(...page.value.filter(({ notificationUrl }) => withoutMark(notificationUrl ?? '') === url));
      const next = page['@odata.nextLink'];
      path = next === undefined ? undefined : client.below(next);
    }
    return found;
  }

  async function create(drive: Drive, { url, clientState }: Callback, signal: AbortSignal): Promise<Known> {
    const doing = `subscribing to ${drive.name}`;
    const marked = withMark(url, clientState);
    const body = {
      changeType: 'updated',
      notificationUrl: marked,
      lifecycleNotificationUrl: marked,
      resource: resourceOf(drive),
      clientState,
      expirationDateTime: inFuture(),
    };
    const answer = await ask({ method: 'POST', path: PATH, body, doing }, url, signal);
    if (answer.status === 404) throw refused({ doing }, '404: the drive is not there');
    return readAs(SUBSCRIPTION, answer.body, doing);
  }

  /** Undefined where it is gone. */
  async function renew({ id }: Known, url: string, signal: AbortSignal): Promise<Known | undefined> {
    const doing = `renewing subscription ${id}`;
    const body = { expirationDateTime: inFuture() };
    const question: Question = { method: 'PATCH', path: `${PATH}/${encodeURIComponent(id)}`, body, doing };
    const answer = await ask(question, url, signal);
    return answer.status === 404 ? undefined : readAs(SUBSCRIPTION, answer.body, doing);
  }

  async function end({ id }: Known, url: string, signal: AbortSignal): Promise<void> {
    const doing = `removing subscription ${id}`;
    await ask({ method: 'DELETE', path: `${PATH}/${encodeURIComponent(id)}`, doing }, url, signal);
  }

  async function keep(callback: Callback, signal: AbortSignal, before?: (one: Known) => Promise<void>) {
    const { url, clientState } = callback;
    const marked = withMark(url, clientState);
    const there = await ours(url, signal);
    const kept: Known[] = [];
    for (const drive of await drives(signal)) {
      const resource = resourceOf(drive);
      const one = there.find((found) => sameResource(found.resource, resource) && found.notificationUrl === marked);
      if (one) await before?.(one);
      kept.push((one && (await renew(one, url, signal))) ?? (await create(drive, callback, signal)));
    }
    const ids = new Set(kept.map(({ id }) => id));
    // Only now, so that there is no moment without any.
    for (const one of there) if (!ids.has(one.id)) await end(one, url, signal);
    return summed(kept);
  }

  return {
    keep: (callback, signal) => keep(callback, signal),
    reauthorize: (callback, signal) =>
      keep(callback, signal, async ({ id }) => {
        const doing = `authorising subscription ${id} anew`;
        const path = `${PATH}/${encodeURIComponent(id)}/reauthorize`;
        await ask({ method: 'POST', path, doing }, callback.url, signal);
      }),
    async remove({ url }, signal) {
      for (const one of await ours(url, signal)) await end(one, url, signal);
    },
  };
}

function resourceOf({ id }: Drive): string {
  return pathAddress(id, []);
}

function sameResource(a: string, b: string): boolean {
  const plain = (text: string) => decodeURIComponent(text).replace(/^\//, '');
  return plain(a) === plain(b);
}

function inFuture(): string {
  return new Date(Date.now() + LIFE).toISOString();
}

function withMark(url: string, clientState: string): string {
  return `${url}?${MARK}=${createHash('sha256').update(clientState).digest('hex').slice(0, 16)}`;
}

function withoutMark(url: string): string {
  return url.replace(new RegExp(`\\?${MARK}=[0-9a-f]{16}$`), '');
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : 'the address';
}

function refused({ doing }: Pick<Question, 'doing'>, told: string): ConnectorError {
  return new ConnectorError('configuration', `${doing}: ${told}`);
}

function summed(kept: readonly Known[]): Subscription {
  const ends = kept.map(({ expirationDateTime }) => Date.parse(expirationDateTime));
  return { id: kept.map(({ id }) => id).join(' '), expiresAt: new Date(Math.min(...ends)).toISOString() };
}
