import { randomBytes } from 'node:crypto';
import { type SignedRequest, signRequest } from '../../net/dsx-hmac.ts';
import type { RemoteSettings, SigningKey } from './settings.ts';

/** After all keys were refused the latest ones are looked up so seldom, in milliseconds. */
const LOOK_UP_MS = 1_000;

/** What is sent as `Authorization`; undefined where nothing is signed. */
export type Authorization = string | undefined;

/** Signs what a remote connector is asked. While its key is replaced it has either one: nobody knows before it was asked. */
export interface Signing {
  /**
   * Runs a request, and again with another key while it is refused for its signature and there is one.
   * @param refused whether an answer says so
   * @param letGo is told of an answer that is not the last one
   */
  signed<A>(
    request: SignedRequest,
    send: (authorization: Authorization) => Promise<A>,
    refused: (answer: A) => boolean,
    letGo: (answer: A) => Promise<void>,
  ): Promise<A>;
}

type Keys = Pick<RemoteSettings, 'key' | 'keyBefore' | 'latestKeys'>;

export function createSigning({ key, keyBefore, latestKeys }: Keys): Signing {
  /** The key that was taken last goes first. */
  let keys: readonly SigningKey[] = key === undefined ? [] : [key];
  let before = keyBefore;
  let lookedUp: { readonly at: number; readonly keys: Promise<readonly SigningKey[]> } | undefined;

  function latest(): Promise<readonly SigningKey[]> {
    if (latestKeys === undefined) return Promise.resolve([]);
    if (lookedUp === undefined || Date.now() - lookedUp.at > LOOK_UP_MS) {
      // A book that can't be read has no news: the refusal stands.
      lookedUp = { at: Date.now(), keys: latestKeys().catch(() => []) };
    }
    return lookedUp.keys;
  }

  /** A key that was not tried with this request; undefined when there is none. */
  async function next(tried: ReadonlySet<string>): Promise<SigningKey | undefined> {
    if (before !== undefined && Date.parse(before.until) <= Date.now()) before = undefined;
    const known = [...keys, ...(before === undefined ? [] : [before])];
    const untried = (all: readonly SigningKey[]) => all.find(({ id }) => !tried.has(id));
    return untried(known) ?? (tried.size === 0 ? undefined : untried(await latest()));
  }

  return {
    async signed(request, send, refused, letGo) {
      const tried = new Set<string>();
      let one = await next(tried);
      if (one === undefined) return await send(undefined);
      for (;;) {
        tried.add(one.id);
        const answer = await send(authorizationOf(request, one));
        const other = refused(answer) ? await next(tried) : undefined;
        if (other === undefined) {
          const good = one;
          if (!refused(answer)) keys = [good, ...keys.filter(({ id }) => id !== good.id)].slice(0, 2);
          return answer;
        }
        await letGo(answer);
        one = other;
      }
    },
  };
}

function authorizationOf(request: SignedRequest, { id, secret }: SigningKey): string {
  const now = Math.floor(Date.now() / 1000);
  return signRequest(request, { id, secret: secret.reveal() }, now, randomBytes(12).toString('base64'));
}
