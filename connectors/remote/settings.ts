import type { Hidden } from '../../domain/hidden.ts';
import type { RemoteModel } from '../../domain/remote.ts';
import type { AllowedTarget } from '../../net/allowed.ts';

export interface SigningKey {
  readonly id: string;
  readonly secret: Hidden;
}

/** How a remote connector is reached, as it registered last. */
export interface RemoteSettings {
  /** Its UUID. */
  readonly id: string;
  readonly model: RemoteModel;
  /** Where found items are to be moved to, in its own words; absent: where it moves them by its own configuration. */
  readonly quarantine?: string;
  /** Requests to it are signed with this. */
  readonly key?: SigningKey;
  /** While a key is replaced: the one before, which is what the connector has until it registers again. */
  readonly keyBefore?: SigningKey & { readonly until: string };
  /** What its address may lead to beside the public internet. */
  readonly allowed: readonly AllowedTarget[];
}
