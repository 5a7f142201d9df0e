import { type Intake, IntakeError } from './intake.ts';

const RETRY_MS = 60_000;

/** Takes nothing: whoever sends events keeps them. */
export function closedIntake(): Intake {
  return {
    async add() {
      throw new IntakeError('unavailable', 'events are not taken by this process', RETRY_MS);
    },
    async close() {},
  };
}
