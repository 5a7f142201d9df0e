import fs from 'node:fs';

/**
 * Loaded before a worker (`--import`): opening a file goes wrong as the file named by `FILE_FAULTS` says, looked at anew each
 * time. Its lines are `<action> <text>`, for every path that ends with the text: `kill` ends the process at once, as a fault in
 * native code does; `hang` never answers; anything else is the code of the system error.
 */
const place = process.env.FILE_FAULTS;
const { readFileSync } = fs;
const real = { open: fs.open, openSync: fs.openSync };

function actionFor(file: string): string | undefined {
  if (place === undefined || file === place) return undefined;
  const lines = readFileSync(place, 'utf8').split('\n');
  const found = lines.map((line) => line.split(' ')).find(([, text]) => text !== undefined && file.endsWith(text));
  if (found?.[0] === 'kill') process.kill(process.pid, 'SIGKILL');
  return found?.[0];
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: played`), { code });
}

Object.assign(fs, {
  open: (file: fs.PathLike, ...rest: unknown[]) => {
    const action = actionFor(String(file));
    if (action === 'hang') return;
    const done = rest.at(-1) as (error: Error) => void;
    if (action === undefined) (real.open as (...all: unknown[]) => void)(file, ...rest);
    else process.nextTick(() => done(failure(action)));
  },
  openSync: (file: fs.PathLike, ...rest: unknown[]) => {
    const action = actionFor(String(file));
    // What hangs is never opened at once: a worker goes on by the other way.
    if (action !== undefined) throw failure(action === 'hang' ? 'EAGAIN' : action);
    return (real.openSync as (...all: unknown[]) => number)(file, ...rest);
  },
});
