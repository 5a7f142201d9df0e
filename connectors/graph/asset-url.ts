/** One reading of an address: a site, a library of it, and a folder in that library. */
export interface SiteReading {
  /** Path of the site on its host, decoded, with a `/` before it and none at its end; '' is the root site. */
  readonly site: string;
  /** The library as the address names it, decoded. Absent: the site's default library. */
  readonly library?: string;
  /** Folders of the library with `/` between them, decoded; '' is the whole library. */
  readonly folder: string;
}

/** Where an address leads. */
export interface SitePlace {
  /** Host of the site, lower case, with its port if it has one. */
  readonly host: string;
  /** Readings in the order to try: the first whose site and library are there is right. At least one. */
  readonly readings: readonly SiteReading[];
}
