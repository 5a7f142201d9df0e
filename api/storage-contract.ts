import type { Asset } from '../connectors/connector.ts';
import type { ItemAction } from '../domain/action.ts';
import type { Estimate } from '../domain/estimate.ts';
import type { EventFigures } from '../domain/intake.ts';
import type { Source } from '../domain/job.ts';
import type { LeftOut, PreviewItem } from '../domain/preview.ts';
import type { RemoteState } from '../domain/remote.ts';
import type { WatchHealth, WatchState } from '../domain/watch.ts';

/** What travels about connectors and folders before they are scanned: a part of the contract (`contract.ts`). */

/** One of `GET /connectors`. Never holds a secret. */
export interface ConnectorResource {
  readonly id: string;
  readonly kind: string;
  readonly site?: string;
  /** What it scans, as a person names it: a folder, a bucket and prefix, a library. */
  readonly asset: string;
  readonly filter: string;
  readonly action: ItemAction;
  readonly quarantine?: string;
  readonly dryRun: boolean;
  readonly maxSize?: number;
  readonly scanner?: string;
  readonly maxActions?: number;
  readonly maxActionsWindow?: number;
  /** Who keeps it: the configuration file, or this API. Absent: it registered by itself. */
  readonly managed?: 'file' | 'api';
  /** Of one that was made through the API. A change names the revision that it was made for. */
  readonly revision?: number;
  readonly createdAt?: string;
  readonly createdBy?: string;
  readonly updatedAt?: string;
  readonly updatedBy?: string;
  /** How its on-access jobs stand, by shard; absent when none runs, or the status can't be asked. */
  readonly events?: readonly EventFigures[];
  /** Present when what arrives there is scanned at once. */
  readonly watched?: true;
  /** How that stands, where it is watched and the status knows. */
  readonly watchState?: WatchState;
  /** Of one that registered by itself: the name and address that it gave, and its heartbeat. */
  readonly remote?: {
    readonly name: string;
    readonly url: string;
    /** It was heard of within the last three minutes. */
    readonly present: boolean;
    readonly status?: RemoteState;
    readonly lastSeen?: string;
  };
}
/** `GET /connectors/:id`: `watch` is absent when it is not watched, and when nothing can be found out. */
export interface ConnectorDetail extends ConnectorResource {
  /** Of one that was made through the API: its fields as they were given. Secrets are named. */
  readonly definition?: Readonly<Record<string, unknown>>;
  readonly watch?: WatchHealth;
}
/** `GET /connectors`. */
export interface ConnectorList {
  readonly connectors: readonly ConnectorResource[];
}

/** `POST /connectors`: the fields of a connector of the configuration file, whatever its kind has. */
export interface CreateConnectorBody {
  readonly id: string;
  readonly kind: string;
  readonly asset?: unknown;
  readonly [field: string]: unknown;
}
/** `PUT /connectors/:id`: all fields but the id, and the revision that was seen (or `If-Match`). */
export interface ReplaceConnectorBody {
  readonly kind: string;
  readonly asset?: unknown;
  readonly revision?: number | undefined;
  readonly [field: string]: unknown;
}
/** `DELETE /connectors/:id`. */
export interface ConnectorDeleted {
  readonly id: string;
  readonly deleted: true;
}

/** `POST /connectors/:id/check`: what the check found, at the connector's site. */
export interface CheckBody {
  /** The item action to check for; default: the connector's own. */
  readonly action?: ItemAction;
}
/** `POST /folders/check`. */
export interface FolderCheckBody extends CheckBody {
  readonly folder: string;
}
/** Exactly one of `connector` and `folder`. */
export interface CheckAnswer {
  readonly connector?: string;
  readonly folder?: string;
  readonly ok: boolean;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
}

/** `GET /connectors/:id/preview?limit=&filter=&maxSize=`, `GET /folders/preview?folder=&…`: the beginning of what a scan would list. */
export interface PreviewAnswer {
  readonly source: Source;
  /** The filter that was used. */
  readonly filter: string;
  /** The first items, in the order of the listing, at most `limit`. */
  readonly items: readonly PreviewItem[];
  /** What the filter left out on the way there, at most `limit`, in the order in which it was met. */
  readonly leftOut: readonly LeftOut[];
  /** Folders that could not be listed. */
  readonly gaps: readonly { readonly location: string; readonly detail: string }[];
  /** Entries outside the filter that were met so far. */
  readonly outside: number;
  /** A scan would list more items than these. */
  readonly more: boolean;
  /** The time was up before so many items were found. */
  readonly partial: boolean;
  readonly seconds: number;
}

/** `GET /connectors/:id/assets?limit=&after=`: what the connector's credentials could scan. */
export interface AssetList {
  readonly assets: readonly Asset[];
  /** Present while there may be more: give it as `after`, within an hour. */
  readonly next?: string;
}

/** `POST /connectors/:id/estimate`; the body may be left out. `POST /folders/estimate` names the folder too. */
export interface EstimateBody {
  /** Default: the connector's. */
  readonly filter?: string;
  readonly maxSize?: number;
  /** The listing is counted for so long at most, 1 to 3600; default 600. */
  readonly maxSeconds?: number;
}
export interface FolderEstimateBody extends EstimateBody {
  readonly folder: string;
}
/** Answer of `POST …/estimate` (201), `GET …/estimate/:estimate`, and `DELETE …/estimate/:estimate`, which stops it. */
export interface EstimateResource extends Estimate {
  readonly estimate: string;
  readonly source: Source;
  readonly links: { readonly self: string };
}
