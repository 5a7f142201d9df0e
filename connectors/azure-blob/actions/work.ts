import type { BlobGetPropertiesResponse, BlobServiceClient, BlockBlobClient } from '@azure/storage-blob';
import type { ActionIntent } from '../../../domain/action.ts';
import type { Version } from '../../../domain/item.ts';
import { failed, refused, Stop } from '../../action-stop.ts';
import type { ActionReport } from '../../connector.ts';
import { CONNECTOR_CODES, ConnectorError } from '../../errors.ts';
import { ask } from '../ask.ts';
import { etagOf, itemOf, versionOf } from '../entry.ts';
import { answerOf, type Doing } from '../failures.ts';
import { addressOf, type BlobPlace, type Names } from '../names.ts';
import type { AzureBlobSettings } from '../settings.ts';

/** What is under way with one item. */
export interface Work {
  readonly settings: AzureBlobSettings;
  readonly names: Names;
  readonly service: BlobServiceClient;
  readonly finding: string;
  readonly location: string;
  readonly place: BlobPlace;
  readonly signal: AbortSignal;
}

export interface ActionWork extends Work {
  readonly intent: ActionIntent;
}

export type Facts = BlobGetPropertiesResponse;

export function blobAt({ service }: Work, { container, name }: BlobPlace): BlockBlobClient {
  return service.getContainerClient(container).getBlockBlobClient(name);
}

/** What there is at a place, undefined when nothing. @throws ConnectorError */
export async function factsAt(work: Work, place: BlobPlace): Promise<Facts | undefined> {
  const doing = { doing: 'looking at', what: addressOf(place) };
  try {
    return await ask(doing, work.signal, (abortSignal) => blobAt(work, place).getProperties({ abortSignal }));
  } catch (error) {
    if (error instanceof ConnectorError && error.code === 'not_found') return undefined;
    throw error;
  }
}

/** A request of an action, with the codes that end it in a way of their own. */
export async function change<
  T extends { readonly _response: { readonly headers: { get(name: string): string | undefined } } },
>(work: Pick<Work, 'signal'>, doing: Doing, request: (abortSignal: AbortSignal) => Promise<T>): Promise<T> {
  return ask(doing, work.signal, async (abortSignal) => {
    try {
      return await request(abortSignal);
    } catch (error) {
      throw hindrance(error) ?? error;
    }
  });
}

/** What the store itself has against a change. */
class Hindered extends ConnectorError {
  readonly stop: Stop;
  /** Something is there where nothing should be. */
  readonly taken: boolean;

  constructor(stop: Stop, taken = false) {
    super('storage_error', stop.message);
    this.stop = stop;
    this.taken = taken;
  }
}

function hindrance(error: unknown): Hindered | undefined {
  const { code = '', status } = answerOf(error) ?? {};
  if (/^(BlobAlreadyExists|TargetConditionNotMet)$/.test(code)) {
    return new Hindered(failed('destination_taken', 'something else is there'), true);
  }
  if (/^(LeaseIdMissing|LeaseAlreadyPresent|LeaseIdMismatch\w*)$/.test(code)) {
    return new Hindered(refused('leased', LEASED));
  }
  if (/Immutab|LegalHold|Retention/i.test(code)) return new Hindered(refused('retained', `${RETAINED} (${code})`));
  if (code === 'SnapshotsPresent') return new Hindered(refused('retained', SNAPSHOTS));
  if (status === 409 && code === 'BlobIsSealed') return new Hindered(refused('retained', 'the append blob is sealed'));
  if (
    /^(FeatureNotYetSupportedForHierarchicalNamespaceAccounts|BlobTagsNotSupported\w*|FeatureNotSupported\w*)$/.test(
      code,
    )
  ) {
    return new Hindered(failed('not_supported', `the account has no such feature (${code})`));
  }
  return undefined;
}

const LEASED = 'somebody holds a lease on it; have the lease ended, or wait for its end';
const RETAINED = 'an immutability policy or a legal hold keeps it';
const SNAPSHOTS = 'it has snapshots, without which it can not be deleted; set purge to delete them along with it';

/** Whether an error says that something is where nothing should be. */
export function isTaken(error: unknown): boolean {
  return error instanceof Hindered && error.taken;
}

/** Whether an error says that the blob is not what it was, or not there. */
export function isElsewise(error: unknown): error is ConnectorError {
  return error instanceof ConnectorError && (error.code === 'changed' || error.code === 'not_found');
}

/** Told before anything is done. @throws Stop `leased`, `retained` */
export function mayChange(facts: Facts): void {
  if (facts.leaseStatus === 'locked') throw refused('leased', LEASED);
  if (facts.legalHold === true) throw refused('retained', RETAINED);
  const until = facts.immutabilityPolicyExpiresOn;
  if (until !== undefined && until.getTime() > Date.now()) {
    throw refused('retained', `${RETAINED}, until ${until.toISOString()}`);
  }
}

export function isJudged(facts: Facts | undefined, version: Version): boolean {
  return facts !== undefined && versionOf(facts.etag) === version;
}

/** The report on an item that is gone, or not the version that was judged. */
export function notJudged(work: Work, facts: Facts | undefined): ActionReport {
  if (facts === undefined) return { state: 'failed', code: 'not_found', note: `${addressOf(work.place)} is not there` };
  return {
    state: 'refused',
    code: 'version_changed',
    note: 'another version is in place than the one that was judged',
    current: itemOf(work.location, facts),
  };
}

/** Of a report: another blob that has the name of the one that was taken away. */
export function nowThere(work: Work, now: Facts | undefined): Pick<ActionReport, 'current'> {
  return now === undefined ? {} : { current: itemOf(work.location, now) };
}

/** Deletes a blob at one version. @throws ConnectorError, `changed` and `not_found` among them */
export async function deleteAt(
  work: Work,
  place: BlobPlace,
  version: Version,
  options: { readonly deleteSnapshots?: 'include' } = {},
): Promise<void> {
  await change(work, { doing: 'deleting', what: addressOf(place) }, (abortSignal) =>
    blobAt(work, place).delete({ abortSignal, conditions: { ifMatch: etagOf(version) }, ...options }),
  );
}

/**
 * The report that an error stands for.
 * @throws what no storage answered: an abort, and whatever holds the whole connector or asks it to slow down
 */
export function reportOf(error: unknown, signal: AbortSignal): ActionReport {
  if (error instanceof Stop) return error.report;
  if (error instanceof Hindered) return error.stop.report;
  signal.throwIfAborted();
  if (!(error instanceof ConnectorError)) throw error;
  const { code, message } = error;
  // Asked to slow down: whoever calls waits and repeats the intent.
  if (CONNECTOR_CODES[code] === 'hold' || code === 'throttled') throw error;
  if (code === 'permission_denied') return { state: 'failed', code, note: message };
  if (code === 'not_found') return { state: 'failed', code, note: message };
  if (code === 'changed') return { state: 'refused', code: 'version_changed', note: message };
  if (code === 'not_an_item' || code === 'archived' || code === 'customer_key') {
    return { state: 'failed', code: 'not_supported', note: message };
  }
  return { state: 'failed', code: 'storage_error', note: message };
}
