/** The two streams of a command. A reader that went away (`| head`) ends the output, never the command. */
export interface Output {
  /** Results: one line (or more) on stdout. */
  readonly out: (text: string) => void;
  /** Everything else: one line on stderr. */
  readonly err: (text: string) => void;
  /** True once nobody reads stdout any more. */
  readonly closed: () => boolean;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

const guarded = new WeakSet<NodeJS.WriteStream>();
const gone = new WeakSet<NodeJS.WriteStream>();

export function createOutput(
  stdout: NodeJS.WriteStream = process.stdout,
  stderr: NodeJS.WriteStream = process.stderr,
): Output {
  for (const stream of [stdout, stderr]) {
    if (guarded.has(stream)) continue;
    guarded.add(stream);
    // Whoever listened before ends the process at once; a command has a stack to stop and an exit code to work out.
    stream.removeAllListeners('error');
    stream.on('error', (error: NodeJS.ErrnoException) => {
      gone.add(stream);
      if (error.code !== 'EPIPE' && error.code !== 'EIO' && stream === stdout && !gone.has(stderr)) {
        stderr.write(`dsx: stdout can't be written: ${error.message}\n`);
      }
    });
  }
  const write = (stream: NodeJS.WriteStream, text: string): void => {
    if (!gone.has(stream) && stream.writable) stream.write(`${text}\n`);
  };
  return {
    out: (text) => write(stdout, text),
    err: (text) => write(stderr, text),
    closed: () => gone.has(stdout) || !stdout.writable,
    stdout,
    stderr,
  };
}
