import { spawn } from 'node:child_process';
import path from 'node:path';
import type { Fault } from './check.ts';

/** How a tool ended: `output` is all it printed, `stdout` the part that is no complaint of its own. */
export interface ToolRun {
  readonly code: number;
  readonly stdout: string;
  readonly output: string;
}

/** Runs an installed tool in `cwd`, with the Node that runs this. */
export function runTool(root: string, tool: string, args: readonly string[], cwd = root): Promise<ToolRun> {
  const bin = path.join(root, 'node_modules', '.bin');
  const search = [path.dirname(process.execPath), bin, process.env.PATH].join(path.delimiter);
  return new Promise((resolve, reject) => {
    const env = { ...process.env, PATH: search, NO_COLOR: '1' };
    const child = spawn(path.join(bin, tool), args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const all: Buffer[] = [];
    const out: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => {
      all.push(chunk);
      out.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => all.push(chunk));
    child.on('error', reject);
    child.on('close', (code) =>
      resolve({
        code: code ?? 1,
        stdout: Buffer.concat(out).toString('utf8'),
        output: Buffer.concat(all).toString('utf8'),
      }),
    );
  });
}

/** The lines of a tool that failed, as faults; none when it passed. */
export function toolFaults({ code, output }: Pick<ToolRun, 'code' | 'output'>): Fault[] {
  if (code === 0) return [];
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  return lines.length === 0 ? [{ text: `exit code ${code} and no output` }] : lines.map((text) => ({ text }));
}

export async function typeFaults(root: string): Promise<Fault[]> {
  return toolFaults(await runTool(root, 'tsc', ['-p', '.', '--pretty', 'false']));
}

/** Formatting, order of imports and lint errors, one fault each, in the files below `cwd` that biome.json includes. */
export async function formatFaults(root: string, cwd = root): Promise<Fault[]> {
  const args = ['ci', '--colors=off', '--diagnostic-level=error', '--max-diagnostics=none', '--reporter=github', '.'];
  const { code, output } = await runTool(root, 'biome', args, cwd);
  if (code === 0) return [];
  const found = [...output.matchAll(/^::error title=([^,]*),file=([^,]*),line=(\d+),[^:]*::(.*)$/gm)];
  if (found.length === 0) return toolFaults({ code, output });
  return found.map(([, rule, file = '', line, text]) => ({
    file: path.relative(cwd, path.resolve(cwd, file)),
    line: Number(line),
    text: `${text} (${rule})`,
  }));
}

/**
 * Promises that nobody waits for, by types, in the TypeScript files below `cwd`. Finding no file to look at, or not the rules,
 * is a fault too: a check that looks at nothing always passes.
 */
export async function promiseFaults(root: string, cwd = root): Promise<Fault[]> {
  const config = path.join(root, '.oxlintrc.json');
  const { code, stdout, output } = await runTool(
    root,
    'oxlint',
    ['--type-aware', '--format', 'json', '-c', config, '.'],
    cwd,
  );
  let report: OxlintReport;
  try {
    report = JSON.parse(stdout) as OxlintReport;
  } catch {
    return toolFaults({ code: code === 0 ? 1 : code, output });
  }
  if (report.number_of_files < 1 || report.number_of_rules < 2) {
    return [
      {
        text: `oxlint looked at ${report.number_of_files} files with ${report.number_of_rules} rules; check .oxlintrc.json`,
      },
    ];
  }
  const faults = report.diagnostics.map(({ message, code: rule, filename, labels }) => {
    const line = labels?.[0]?.span?.line;
    return {
      file: filename,
      ...(line !== undefined && { line }),
      text: rule === undefined ? message : `${message} (${rule})`,
    };
  });
  return faults.length === 0 && code !== 0 ? [{ text: `oxlint ended with exit code ${code}` }] : faults;
}

interface OxlintReport {
  readonly diagnostics: readonly {
    readonly message: string;
    /** Absent for a file that does not parse. */
    readonly code?: string;
    readonly filename: string;
    readonly labels?: readonly { readonly span?: { readonly line: number } }[];
  }[];
  readonly number_of_files: number;
  readonly number_of_rules: number;
}
