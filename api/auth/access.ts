import type { ApiDeps } from '../deps.ts';
import { type Audit, createAudit } from './audit.ts';
import { createCallers, type FindCaller } from './caller.ts';
import { createKeyRing } from './key-ring.ts';
import { createSealer } from './key-seal.ts';
import { createKeyUse } from './key-use.ts';
import { createKeys, type Keys } from './keys.ts';
import { createRateLimit, type RateLimit } from './rate.ts';

/** All that decides who may ask, and remembers who did what. */
export interface Access {
  readonly find: FindCaller;
  /** Undefined where no key is needed. */
  readonly keys: Keys | undefined;
  readonly audit: Audit;
  /** Whether a key of the ledger, by its id, still counts. @throws LedgerError */
  readonly isLive: (key: string) => Promise<boolean>;
  readonly limits: { readonly keys: RateLimit; readonly strangers: RateLimit } | undefined;
}

/** Requests of an address that shows no valid key, each second. */
const STRANGERS = 10;
/** So many times a second's share may come at once. */
const BURST = 2;

/** Opens nothing yet: the ledger is opened by the first use. */
export function createAccess({ settings, ledger, log }: ApiDeps): Access {
  const bootstrap = settings.key;
  const open = async () => (await ledger.open()).keys;
  const sealer = bootstrap === undefined ? undefined : createSealer(bootstrap);
  const ring = sealer === undefined ? undefined : createKeyRing(open, sealer);
  const perSecond = settings.requestsPerSecond;
  return {
    find: createCallers({ bootstrap, ring, onUse: createKeyUse(open, log) }),
    keys: sealer === undefined || ring === undefined ? undefined : createKeys(open, sealer, ring),
    audit: createAudit(() => ledger.open(), log),
    isLive: async (key) => (await ring?.isLive(key)) ?? false,
    limits:
      perSecond === undefined
        ? undefined
        : {
            keys: createRateLimit(perSecond, BURST * perSecond),
            strangers: createRateLimit(STRANGERS, BURST * STRANGERS),
          },
  };
}
