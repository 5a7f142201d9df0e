import { InvalidArgumentError } from 'commander';
import { IDEMPOTENCY_KEY } from '../../api/contract.ts';

/** The option of every command that starts a job: `command.option(...KEY_OPTION)`. */
export const KEY_OPTION = [
  '--idempotency-key <key>',
  'a repeat with the same key follows the same job instead of starting one',
  keyArgument,
] as const;

function keyArgument(text: string): string {
  if (!IDEMPOTENCY_KEY.test(text)) throw new InvalidArgumentError('1 to 255 visible ASCII characters, without spaces.');
  return text;
}

/** The same as the client takes it. */
export function keyOf({ idempotencyKey }: { readonly idempotencyKey?: string }): { idempotencyKey?: string } {
  return idempotencyKey === undefined ? {} : { idempotencyKey };
}
