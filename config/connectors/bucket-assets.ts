import { z } from 'zod';

/** A bucket and a prefix in it, which is empty or ends with a slash. */
export interface BucketPlace {
  readonly bucket: string;
  readonly prefix: string;
}

export interface BucketRules {
  /** Of URLs, as `s3`. */
  readonly scheme: string;
  /** What a bucket is called, and what its name looks like. */
  readonly noun: string;
  readonly name: RegExp;
}

/** `bucket`, `bucket/prefix`, either with the scheme in front. Undefined: neither. */
export function parseBucketPlace(text: string, { scheme, name }: BucketRules): BucketPlace | undefined {
  const plain = text.toLowerCase().startsWith(`${scheme}://`) ? text.slice(scheme.length + 3) : text;
  const slash = plain.indexOf('/');
  const bucket = slash === -1 ? plain : plain.slice(0, slash);
  const prefix = slash === -1 ? '' : plain.slice(slash + 1);
  if (!name.test(bucket) || prefix.startsWith('/') || plain.includes('\0')) return undefined;
  return { bucket, prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/` };
}

export function writeBucketPlace({ bucket, prefix }: BucketPlace): string {
  return prefix === '' ? bucket : `${bucket}/${prefix}`;
}

/** One asset, or a list of assets that do not overlap, as `bucket` or `bucket/prefix/`. */
export function bucketAssets(rules: BucketRules) {
  const accepted = `must be ${rules.noun}, or ${rules.noun}/prefix, or a list of them`;
  const list = z.array(z.string({ error: accepted }), { error: accepted }).min(1, { error: accepted });
  return z.union([z.string(), list], { error: accepted }).transform((input, context): readonly string[] => {
    const refuse = (message: string) => {
      context.issues.push({ code: 'custom', input, message });
      return z.NEVER;
    };
    const places: BucketPlace[] = [];
    for (const text of typeof input === 'string' ? [input] : input) {
      if (/[*?]/.test(text)) return refuse(`${text}: there are no wildcards in an asset; use filter`);
      const place = parseBucketPlace(text, rules);
      if (place === undefined) return refuse(`${accepted}; ${JSON.stringify(text)} is neither`);
      const other = places.find((one) => holds(one, place) || holds(place, one));
      if (other !== undefined) {
        return refuse(`${writeBucketPlace(other)} and ${writeBucketPlace(place)} overlap: keep the outer one`);
      }
      places.push(place);
    }
    return places.map(writeBucketPlace);
  });
}

/** A prefix in the item's own bucket, or a URL of another place. */
export function bucketQuarantine(rules: BucketRules) {
  const { scheme, noun } = rules;
  const accepted = `must be a folder of the ${noun} (dsxconnect-quarantine), or ${scheme}://${noun}/prefix`;
  return z
    .string({ error: accepted })
    .transform((input, context): string => {
      const refuse = () => {
        context.issues.push({ code: 'custom', input, message: accepted });
        return z.NEVER;
      };
      if (/^[a-z0-9]+:\/\//i.test(input)) {
        const place = input.toLowerCase().startsWith(`${scheme}://`) ? parseBucketPlace(input, rules) : undefined;
        return place === undefined ? refuse() : `${scheme}://${writeBucketPlace(place)}`;
      }
      const folder = input.replace(/^\/+|\/+$/g, '');
      return folder === '' || folder.includes('\0') ? refuse() : folder;
    })
    .default('dsxconnect-quarantine');
}

/** What is wrong with this quarantine for these assets: it must not hold one. */
export function hiddenAsset(assets: readonly string[], quarantine: string, rules: BucketRules): string | undefined {
  const fixed = quarantine.startsWith(`${rules.scheme}://`) ? parseBucketPlace(quarantine, rules) : undefined;
  const found = assets.find((asset) => {
    const place = parseBucketPlace(asset, rules);
    if (place === undefined) return false;
    return holds(fixed ?? { bucket: place.bucket, prefix: `${quarantine}/` }, place);
  });
  return found === undefined
    ? undefined
    : `must not hold the asset ${found}: everything below quarantine is left out of scans`;
}

function holds(outer: BucketPlace, inner: BucketPlace): boolean {
  return outer.bucket === inner.bucket && inner.prefix.startsWith(outer.prefix);
}
