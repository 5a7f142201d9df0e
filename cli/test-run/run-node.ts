import { spawn } from 'node:child_process';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Runs a script with this Node, shows what it prints, and resolves with its exit code and its standard output. */
export function runNode(
  root: string,
  args: readonly string[],
  env: Environment,
  keep: boolean,
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
      cwd: root,
      env: env as NodeJS.ProcessEnv,
      stdio: ['ignore', keep ? 'pipe' : 'inherit', 'inherit'],
    });
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      process.stdout.write(text);
    });
    child.once('error', () => resolve({ code: 1, output }));
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
