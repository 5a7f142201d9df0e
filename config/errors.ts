import { CodedError } from '../domain/errors.ts';

/** Faults of a certificate or its key. `certificate_expired`: also one whose time has not come. */
export const CERTIFICATE_CODES = ['not_a_certificate', 'not_a_key', 'certificate_expired', 'key_mismatch'] as const;
export type CertificateCode = (typeof CERTIFICATE_CODES)[number];

/**
 * What can be wrong with a configuration. Closed set.
 * - `unknown_variable`: a `DSXCONNECT_` or `DSXA_` variable that means nothing here
 * - `invalid_variable`: a variable with a value that it can't have
 * - `conflicting_variables`: two variables that contradict each other, or one that needs another
 * - `unsafe`: settings that would open a hole (an address for everybody without a key, a stand-in scanner in production)
 * - `unreadable_file`: a file that was named and can't be read, or holds nothing usable
 * - `invalid_file`: the configuration file is not YAML, or not UTF-8
 * - those of certificates
 * - `unknown_key`, `invalid_value`, `missing_value`, `duplicate_id`, `missing_reference`: a field of the configuration file
 */
export const CONFIG_CODES = [
  ...CERTIFICATE_CODES,
  'unknown_variable',
  'invalid_variable',
  'conflicting_variables',
  'unsafe',
  'unreadable_file',
  'invalid_file',
  'unknown_key',
  'invalid_value',
  'missing_value',
  'duplicate_id',
  'missing_reference',
] as const;
export type ConfigCode = (typeof CONFIG_CODES)[number];

/** One thing that is wrong, and where. */
export interface ConfigProblem {
  readonly code: ConfigCode;
  /** The environment variable, when it is about one. */
  readonly variable?: string;
  /** Path of the configuration file and the 1-based line in it, when it is about one. */
  readonly file?: string;
  readonly line?: number;
  /** The field of the file, as `connectors[2].asset`. */
  readonly field?: string;
  /** What is wrong and what to do about it, in one sentence. Never holds a secret. */
  readonly text: string;
}

/** The configuration can't be used. Lists everything that is wrong with it; `code` is that of the first problem. */
export class ConfigError extends CodedError<ConfigCode> {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly [ConfigProblem, ...ConfigProblem[]]) {
    super(problems[0].code, problems.map(problemText).join('\n'));
    this.problems = problems;
  }
}

/** The problem as one line: the variable or the file, line and field, then what is wrong and what to do. */
export function problemText(problem: ConfigProblem): string {
  const place = [
    problem.variable,
    problem.file !== undefined && problem.line !== undefined ? `${problem.file}:${problem.line}` : problem.file,
    problem.field,
  ].filter((part) => part !== undefined);
  return place.length === 0 ? problem.text : `${place.join(': ')}: ${problem.text}`;
}

/** @throws ConfigError if there is any problem */
export function refuseIfAny(problems: readonly ConfigProblem[]): void {
  const [first, ...rest] = problems;
  if (first !== undefined) throw new ConfigError([first, ...rest]);
}
