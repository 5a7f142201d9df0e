/** Signals that a person or the system sends to a command, counted from the moment of listening. */
export interface Interrupts {
  /** Ctrl-C so far. */
  readonly count: () => number;
  /** SIGTERM or SIGHUP came: whoever sent it wants this process gone. */
  readonly terminated: () => boolean;
  /** Called at each signal, with the counts already raised. Replaces the listener before it. */
  readonly onChange: (listener: (() => void) | undefined) => void;
  /** Gives the signals back to their defaults. */
  readonly close: () => void;
}

const LEAVING = ['SIGTERM', 'SIGHUP'] as const;

export function listenForInterrupts(source: NodeJS.EventEmitter = process): Interrupts {
  let interrupts = 0;
  let terminated = false;
  let listener: (() => void) | undefined;
  const onInterrupt = (): void => {
    interrupts += 1;
    listener?.();
  };
  const onLeave = (): void => {
    terminated = true;
    listener?.();
  };
  source.on('SIGINT', onInterrupt);
  for (const name of LEAVING) source.on(name, onLeave);
  return {
    count: () => interrupts,
    terminated: () => terminated,
    onChange: (next) => {
      listener = next;
    },
    close() {
      source.off('SIGINT', onInterrupt);
      for (const name of LEAVING) source.off(name, onLeave);
    },
  };
}
