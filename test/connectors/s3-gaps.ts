const at = (text: string) => Buffer.from(text);

/**
 * Names that SeaweedFS gets wrong: it keeps keys as paths, so that a folder sorts as its name without the slash, a backslash is a slash,
 * and two slashes are one.
 */
export const SEAWEEDFS_GAPS: readonly Buffer[] = ['b-/x', 'back\\slash', 'a//b'].map(at);

/** In buckets with versions, besides, names are listed without encoding, and a key `a` is kept as `a.versions`. */
export const SEAWEEDFS_GAPS_OF_VERSIONS: readonly Buffer[] = [
  ...SEAWEEDFS_GAPS,
  ...['a.txt', 'a b/x', '\u0001control', '\uffff', 'x'.repeat(255)].map(at),
];
