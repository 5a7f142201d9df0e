import type { Item, Version } from '../../domain/item.ts';

/** What a listing and a look at an object have in common. */
export interface ItemFacts {
  readonly generation: string;
  readonly size?: string;
  readonly timeCreated?: string;
  readonly customerEncryption?: object;
}

/** The fields of an object that an item is made of, as a partial answer names them. */
export const ITEM_FIELDS = 'name,generation,size,timeCreated,customerEncryption/encryptionAlgorithm';

/** An object as it is listed. The version is its generation: it changes with the bytes, and only with them. */
export function itemOf(location: string, facts: ItemFacts, maxSize?: number): Item {
  const size = Number(facts.size ?? 0);
  const modified = facts.timeCreated === undefined ? Number.NaN : Date.parse(facts.timeCreated);
  return {
    location,
    version: facts.generation,
    size,
    ...(!Number.isNaN(modified) && { modified: new Date(modified).toISOString() }),
    ...(facts.customerEncryption !== undefined && {
      unscannable: { reason: 'customer_key', detail: 'it is encrypted with a key that its owner keeps' },
    }),
    ...(maxSize !== undefined && size > maxSize && { skip: 'size' as const }),
  };
}

export function isGeneration(version: Version): boolean {
  return /^[1-9]\d{0,19}$/.test(version);
}

/** Names that end with `/` and have no bytes stand for folders. */
export function isFolderMarker(name: string, size: string | undefined): boolean {
  return name.endsWith('/') && (size === undefined || size === '0');
}
