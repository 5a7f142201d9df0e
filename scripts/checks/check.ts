/** A text file of the project; `path` is relative to the root, with `/`. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** One thing that a check found wrong. */
export interface Fault {
  readonly file?: string;
  /** 1-based. */
  readonly line?: number;
  readonly text: string;
}

/** A check: no faults means passed. */
export interface Check {
  readonly name: string;
  run(): readonly Fault[] | Promise<readonly Fault[]>;
}

/** The 1-based line of an index in a text. */
export function lineAt(text: string, index: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < index; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}

export function writeFault({ file, line, text }: Fault): string {
  if (file === undefined) return text;
  return line === undefined ? `${file}: ${text}` : `${file}:${line}: ${text}`;
}
