/** What a storage was told, so that it calls us. */
export interface Subscription {
  /** As the storage names it; several, with spaces between, where one connector has several drives. */
  readonly id: string;
  /** When the first of them ends, ISO 8601 in UTC. */
  readonly expiresAt: string;
}

/** Where a storage is to call, and what it must say so that it is believed. */
export interface Callback {
  /** Address of the API as it is reached from the outside; https. */
  readonly url: string;
  /** A secret: it goes to the storage, and nowhere else. */
  readonly clientState: string;
}

/** Has a storage call us when something changes. Every call may be repeated: it looks at what is there first. */
export interface Subscriber {
  /**
   * What there is for this callback is put off to its latest end, what is missing is made, and what is left of another secret or
   * asset is removed.
   * @throws ConnectorError `configuration` when the application may not subscribe, or the address does not answer as it must
   */
  keep(callback: Callback, signal: AbortSignal): Promise<Subscription>;
  /** Proves anew that the application may read, as the storage asks for, and puts off the end. @throws ConnectorError */
  reauthorize(callback: Callback, signal: AbortSignal): Promise<Subscription>;
  /** Ends all for this address. Nothing there is fine. @throws ConnectorError */
  remove(callback: Pick<Callback, 'url'>, signal: AbortSignal): Promise<void>;
}
