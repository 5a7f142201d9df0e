import type { StorageEvent } from '../../domain/event.ts';
import { type Intake, type IntakeCode, IntakeError } from '../../intake/intake.ts';

/** An intake that keeps what it took, and refuses when told to. */
export class MemoryIntake implements Intake {
  readonly taken: { readonly connector: string; readonly event: StorageEvent }[] = [];
  /** Calls that were refused. */
  refusals = 0;
  #refusing: IntakeCode | undefined;

  refuse(code: IntakeCode | undefined): void {
    this.#refusing = code;
  }

  async add(connector: string, events: readonly StorageEvent[]): Promise<void> {
    if (this.#refusing !== undefined) {
      this.refusals += 1;
      throw new IntakeError(this.#refusing, 'the test refuses', 20);
    }
    this.taken.push(...events.map((event) => ({ connector, event })));
  }

  locations(connector: string): string[] {
    return this.taken.filter((one) => one.connector === connector).map(({ event }) => event.location);
  }

  async close(): Promise<void> {}
}
