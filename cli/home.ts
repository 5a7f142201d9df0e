import path from 'node:path';
import { stateHome } from '../config/common.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The folder that holds the state of this user's stack: `DSX_HOME`, else `dsx-connect` in the user's state folder. Absolute. */
export function dsxHome(env: Environment = process.env): string {
  return stateHome(env);
}

/** The folder of the checkout, which holds `dsx`. Absolute. */
export const ROOT = path.resolve(import.meta.dirname, '..');
