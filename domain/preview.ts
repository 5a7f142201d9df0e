import type { Item, ItemRef } from './item.ts';
import type { ScanSettings } from './job.ts';

/** What a scan's listing depends on: the part of its settings that says what is inside. */
export type ListSettings = Pick<ScanSettings, 'filter' | 'maxSize' | 'quarantine'>;

/** Why an item that a scan lists is not scanned, in the words of its outcome row. */
export interface NotScanned {
  readonly outcome: 'skipped' | 'unscannable' | 'failed';
  readonly reason: string;
  readonly detail?: string;
}

/** An item as a scan would list it. */
export interface PreviewItem extends ItemRef {
  /** Bytes. */
  readonly size?: number;
  /** ISO 8601. */
  readonly modified?: string;
  readonly notScanned?: NotScanned;
}

/** An entry, or a whole folder (ends with `/`), that the filter leaves out. Names that are no UTF-8 are shown with U+FFFD. */
export interface LeftOut {
  readonly location: string;
  /** `excluded`: by the exclude in `rule`; `not_included`: no include takes it. */
  readonly why: 'excluded' | 'not_included';
  readonly rule?: string;
}

/**
 * What listing an item shows of its outcome.
 * @param scannerMax bytes that the scanner takes at most, where that is known
 */
export function notScanned(item: Item, scannerMax: number | undefined): NotScanned | undefined {
  if (item.skip !== undefined) return { outcome: 'skipped', reason: item.skip };
  if (item.fault !== undefined) return { outcome: 'failed', reason: item.fault.class, detail: item.fault.detail };
  if (item.unscannable !== undefined) return { outcome: 'unscannable', ...item.unscannable };
  if (scannerMax === undefined || (item.size ?? 0) <= scannerMax) return undefined;
  return { outcome: 'unscannable', reason: 'file_too_large', detail: `the scanner takes ${scannerMax} bytes at most` };
}
