import type { ExitName } from '../errors.ts';
import type { StackOptions } from './contract.ts';

/** To the supervisor, once, over its channel. */
export interface StartMessage {
  readonly type: 'start';
  readonly options: Omit<StackOptions, 'say' | 'env'>;
}

/** From the supervisor, until the stack is up or has failed to come up; then the channel closes. */
export type SupervisorMessage =
  | { readonly type: 'say'; readonly line: string }
  | { readonly type: 'up' }
  | {
      readonly type: 'failed';
      readonly exit: Exclude<ExitName, 'ok'>;
      readonly code: string;
      readonly message: string;
    };
