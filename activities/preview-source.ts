import { Context } from '@temporalio/activity';
import type { ListEvent, Listing, ListScope } from '../connectors/connector.ts';
import { parseFilter } from '../domain/filter/filter.ts';
import type { Item } from '../domain/item.ts';
import { type LeftOut, type ListSettings, notScanned, type PreviewItem } from '../domain/preview.ts';
import type { Answer } from '../ledger/answers.ts';
import type { ObjectRef } from '../ledger/types.ts';
import { silent } from './asset.ts';
import { within } from './deadline.ts';
import type { WorkerDeps } from './deps.ts';
import { written } from './storage-answer.ts';
import type { PreviewSourceInput } from './types.ts';

/** A listing that shows little within this time is told as far as it came. Milliseconds. */
const PREVIEW_MS = 15_000;
/** Events pulled at once. */
const BATCH = 500;

/** The first items that a scan with these settings would list, as an answer in the ledger. @throws LedgerError */
export function createPreviewSource(
  deps: WorkerDeps,
  previewMs = PREVIEW_MS,
): (input: PreviewSourceInput) => Promise<ObjectRef> {
  return async (input) =>
    written(deps, { kind: 'preview', source: input.source.id }, async () => {
      const connector = await deps.connector(input.source, input.settings);
      const preview = new Preview(input);
      const listing = connector.list(preview.scope, undefined);
      try {
        await preview.fill(listing, previewMs, Context.current().cancellationSignal);
      } finally {
        // A storage that is silent would make closing wait too.
        void listing.close().catch(() => undefined);
      }
      return preview.answer();
    });
}

class Preview {
  readonly scope: ListScope;
  readonly #input: PreviewSourceInput;
  readonly #items: PreviewItem[] = [];
  readonly #leftOut = new Map<string, LeftOut>();
  readonly #gaps: { location: string; detail: string }[] = [];
  readonly #began = performance.now();
  #outside = 0;
  #more = false;
  #partial = false;

  constructor(input: PreviewSourceInput) {
    this.#input = input;
    this.scope = this.#noting(input.settings);
  }

  /** The scope of a scan, which notes what the filter leaves out on the way. */
  #noting({ filter: text, maxSize }: ListSettings): ListScope {
    const filter = parseFilter(text);
    const note = (location: string): false => {
      if (this.#leftOut.size < this.#input.limit && !this.#leftOut.has(location)) {
        const rule = filter.excludedBy(location);
        this.#leftOut.set(
          location,
          rule === undefined ? { location, why: 'not_included' } : { location, why: 'excluded', rule },
        );
      }
      return false;
    };
    return {
      includes: (location) => filter.includes(location) || note(location),
      mayEnter: (folder) => filter.mayEnter(folder) || note(folder),
      ...(maxSize !== undefined && { maxSize }),
    };
  }

  /** @throws ConnectorError when the listing breaks before it has shown anything */
  async fill(listing: Listing, ms: number, cancelled: AbortSignal): Promise<void> {
    const late = AbortSignal.timeout(ms);
    const signal = AbortSignal.any([cancelled, late]);
    while (!this.#more) {
      const left = ms - (performance.now() - this.#began);
      const max = Math.min(BATCH, this.#input.limit + 1 - this.#items.length);
      let events: readonly ListEvent[];
      try {
        const batch = listing.nextBatch(max, signal);
        events = await within(Math.max(0, left), batch, () => silent(this.#input.source.id, 'listing', ms));
      } catch (error) {
        cancelled.throwIfAborted();
        const shown = this.#items.length + this.#leftOut.size + this.#outside + this.#gaps.length > 0;
        if (!late.aborted && performance.now() - this.#began < ms) throw error;
        if (!shown) throw silent(this.#input.source.id, 'listing', ms);
        this.#partial = true;
        return;
      }
      if (events.length === 0) return;
      for (const event of events) this.#take(event);
    }
  }

  #take(event: ListEvent): void {
    if (event.kind === 'outside') this.#outside += event.count;
    else if (event.kind === 'item') this.#show(event.item);
    else if (this.#gaps.length < this.#input.limit) {
      this.#gaps.push({ location: event.location, detail: event.detail });
    }
  }

  #show(item: Item): void {
    if (this.#items.length >= this.#input.limit) {
      this.#more = true;
      return;
    }
    const { location, locationBytes, size, modified } = item;
    const why = notScanned(item, this.#input.scannerMax);
    this.#items.push({
      location,
      ...(locationBytes !== undefined && { locationBytes }),
      ...(size !== undefined && { size }),
      ...(modified !== undefined && { modified }),
      ...(why !== undefined && { notScanned: why }),
    });
  }

  answer(): Answer {
    const seconds = Math.round(performance.now() - this.#began) / 1000;
    return {
      facts: { outside: this.#outside, more: this.#more, partial: this.#partial, seconds },
      lines: [
        ...this.#items.map((item) => ({ item })),
        ...[...this.#leftOut.values()].map((leftOut) => ({ leftOut })),
        ...this.#gaps.map((gap) => ({ gap })),
      ],
    };
  }
}
