import { z } from 'zod';
import { Secret } from '../secret.ts';

/** A secret that the file names as `${NAME}`, in a process that has no such variable. */
export class MissingSecret extends Secret {
  readonly variable: string;

  constructor(variable: string) {
    super('', `\${${variable}}, which is not set`);
    this.variable = variable;
  }

  override reveal(): string {
    throw new Error(`the variable ${this.variable} is not set in this process; set it, and start the process again`);
  }
}

/** Text that is never shown. */
export const secret = z
  .string({ error: `must be text, best as \${NAME} of a variable` })
  .transform((input, context) => {
    const [, name] = /^\$\{([^}]+)\}$/.exec(input) ?? [];
    if (name !== undefined) return new MissingSecret(name);
    if (input.trim() !== '') return new Secret(input);
    context.issues.push({ code: 'custom', input, message: 'must not be empty' });
    return z.NEVER;
  });

/** The secrets among these values, at any depth, that this process was not given: field and variable. */
export function missingSecrets(value: unknown, field: readonly string[] = []): { field: string; variable: string }[] {
  if (value instanceof MissingSecret) return [{ field: field.at(-1) ?? '', variable: value.variable }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => missingSecrets(part, [...field, name]));
}
