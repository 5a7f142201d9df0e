/** How a scan gets to its items that a remote connector pushes. */
export interface PushedListing {
  /** False: it takes what comes after a scan has ended, and asks for nothing. */
  readonly ask: boolean;
  /** As `QUIET_MS` and `SILENCE_MS` of `domain/remote.ts`, in their place. */
  readonly quietMs?: number;
  readonly silenceMs?: number;
}

/** Signals of a scan whose items are pushed, beside `events`: all is pushed; and the connector began anew, so that it pushes no more. */
export const PUSHED = { all: 'allPushed', restarted: 'restarted' } as const;
/** The argument of `allPushed`. `total`: how many items the connector says it pushed. */
export interface AllPushed {
  readonly job: string;
  readonly total?: number;
}
