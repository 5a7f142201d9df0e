import { CodedError } from '../domain/errors.ts';

/** The exit codes of `dsx`, for people and scripts. Where several apply, the first of `EXIT_ORDER` wins. */
export const EXIT = {
  ok: 0,
  internal: 1,
  usage: 2,
  findings: 3,
  gaps: 4,
  failed: 5,
  cancelled: 6,
} as const;
export const EXIT_ORDER = ['internal', 'usage', 'failed', 'cancelled', 'findings', 'gaps', 'ok'] as const;
export type ExitName = keyof typeof EXIT;

/** An error that ends `dsx` with a message and an exit code, without a stack trace. */
export class CliError extends CodedError {
  readonly exit: number;

  constructor(exit: Exclude<ExitName, 'ok'>, code: string, message: string, options?: { cause?: unknown }) {
    super(code, message, options);
    this.exit = EXIT[exit];
  }
}
