import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Command, CommanderError } from 'commander';
import { messageOf } from '../domain/errors.ts';
import { COMMANDS, type CommandEntry } from './command-table.ts';
import { loadDotEnv } from './dot-env.ts';
import { CliError, EXIT } from './errors.ts';
import { dsxHome, ROOT } from './home.ts';

const overview = () => `
Start here:
  dsx demo                                        see it work, with a stand-in scanner
  dsx scan DIR --scanner standin                  try it on a folder of yours
  DSXA_SCANNER_URL=http://host:port dsx scan DIR  scan it with the real scanner

Exit codes: 0 all is well, 1 internal error, 2 usage, 3 findings, 4 gaps, 5 failed, 6 cancelled.
Settings come from the environment and .env; the state lies in DSX_HOME (now ${dsxHome()}).
Documentation: docs/`;

function version(): string {
  return (JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;
}

/** The program with the command that is called; the others are there by name, for the overview and for hints. */
async function createProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('dsx');
  program
    .description(
      "Scans what lies in a company's storage for malware, acts on what it finds, and keeps an exact account.",
    )
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .showHelpAfterError('(see dsx help)')
    .exitOverride()
    .addHelpText('after', overview);
  const module = await calledCommand(args)?.load();
  module?.register(program);
  for (const { name, summary, group } of COMMANDS) {
    const command = program.commands.find((made) => made.name() === name) ?? program.command(name);
    command.summary(summary).helpGroup(group);
  }
  return program;
}

/** The command that the arguments name, also behind `help`. */
function calledCommand(args: readonly string[]): CommandEntry | undefined {
  const [first, second] = args.filter((arg) => !arg.startsWith('-'));
  const name = first === 'help' ? second : first;
  return COMMANDS.find((entry) => entry.name === name);
}

async function main(args: readonly string[]): Promise<number> {
  loadDotEnv([process.cwd(), ROOT]);
  const program = await createProgram(args);
  if (args.length === 0) {
    program.outputHelp();
    return EXIT.ok;
  }
  await program.parseAsync(args, { from: 'user' });
  // A command may have set the code for what it found.
  return Number(process.exitCode ?? EXIT.ok);
}

/** Tells an error to the person, and returns the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof CliError) {
    process.stderr.write(`dsx: ${error.message}\n`);
    return error.exit;
  }
  const log = path.join(dsxHome(), 'logs', 'dsx.log');
  const details = error instanceof Error ? (error.stack ?? error.message) : String(error);
  try {
    mkdirSync(path.dirname(log), { recursive: true, mode: 0o700 });
    appendFileSync(log, `${new Date().toISOString()} dsx ${process.argv.slice(2).join(' ')}\n${details}\n`, {
      mode: 0o600,
    });
    process.stderr.write(`dsx: internal error: ${messageOf(error)} (see log: ${log})\n`);
  } catch {
    process.stderr.write(`dsx: internal error: ${details}\n`);
  }
  return EXIT.internal;
}

// A reader that has seen enough (`dsx status | head -1`) is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(Number(process.exitCode ?? EXIT.ok));
    throw error;
  });
}

let code: number;
try {
  code = await main(process.argv.slice(2));
} catch (error) {
  code = report(error);
}
process.exitCode = code;
