/** A prefix of a bucket (or container): empty, or with a slash at its end. */
export interface BucketPlace {
  readonly bucket: string;
  readonly prefix: string;
}

/** The prefix among `places` in this bucket below which the key lies. */
export function placeAbove(places: readonly BucketPlace[] = [], bucket: string, key: string): string | undefined {
  return places.find((place) => place.bucket === bucket && key.startsWith(place.prefix))?.prefix;
}
