import { homedir } from 'node:os';
import path from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** The folder that holds the state of this user's stack: `DSX_HOME`, else `dsx-connect` in the user's state folder. Absolute. */
export function dsxHome(env: Environment = process.env): string {
  if (env.DSX_HOME?.trim()) return path.resolve(env.DSX_HOME);
  const state = env.XDG_STATE_HOME;
  // By the XDG base directory specification a relative path counts as not set.
  if (state && path.isAbsolute(state)) return path.join(state, 'dsx-connect');
  const user = env.HOME && path.isAbsolute(env.HOME) ? env.HOME : homedir();
  return path.join(user, '.local', 'state', 'dsx-connect');
}

/** The folder of the checkout, which holds `dsx`. Absolute. */
export const ROOT = path.resolve(import.meta.dirname, '..');
