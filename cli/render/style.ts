import picocolors from 'picocolors';

/** Colours and width of one output stream. */
export interface Style {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
  /** Columns; Infinity where lines are not to be cut. */
  readonly columns: number;
}

/** Without colours. */
export function plainStyle(columns: number = Number.POSITIVE_INFINITY): Style {
  return styled(false, columns);
}

/** What suits a stream: colours on a terminal unless NO_COLOR is set or TERM is dumb; lines are cut on a terminal only. */
export function styleOf(
  stream: { readonly isTTY?: boolean; readonly columns?: number },
  env: Readonly<Record<string, string | undefined>> = process.env,
): Style {
  const terminal = stream.isTTY === true;
  const colour = terminal && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
  return styled(colour, terminal ? (stream.columns ?? 80) : Number.POSITIVE_INFINITY);
}

function styled(colour: boolean, columns: number): Style {
  const c = picocolors.createColors(colour);
  return { good: c.green, bad: c.red, warn: c.yellow, strong: c.bold, faint: c.dim, columns };
}
