import { z } from 'zod';
import { AssetUrlError, parseFolder } from '../../connectors/graph/asset-url.ts';

/** Where moved items go if nothing is said. */
const DEFAULT_QUARANTINE = 'dsxconnect-quarantine';

/** A folder of a library, as it is named there, without slashes around it; '' is the whole library. */
export function folderField(accepted: string) {
  return z.string({ error: accepted }).transform((input, context) => {
    const refuse = (message: string) => {
      context.issues.push({ code: 'custom', input, message });
      return z.NEVER;
    };
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(input.trim())) return refuse(accepted);
    try {
      return parseFolder(input.trim());
    } catch (error) {
      if (error instanceof AssetUrlError) return refuse(error.message);
      throw error;
    }
  });
}

/** A folder of the same library that moved items go to. */
export const quarantineField = folderField(
  'must be a folder of the same library, as dsxconnect-quarantine or Security/Quarantine',
)
  .refine((folder) => folder !== '', { error: 'must be a folder, and not the whole library', abort: true })
  .default(DEFAULT_QUARANTINE);

/** Why this quarantine hides this asset, both folders of one library; undefined where it does not. */
export function hidingFault(asset: string, quarantine: unknown): string | undefined {
  const hides = `${asset.toLowerCase()}/`.startsWith(`${String(quarantine).toLowerCase()}/`);
  if (!hides) return undefined;
  return `must not be the asset or a folder above it (it is ${quarantine}): everything below it is left out of scans`;
}
