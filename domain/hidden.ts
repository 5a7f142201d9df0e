/** A value that shows itself only when asked, as the configuration's secrets do. For the client that needs it, never for a message. */
export interface Hidden {
  /** @throws when the process that asks was not given it */
  reveal(): string;
}
