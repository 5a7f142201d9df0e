import { z } from 'zod';
import { ApiProblem, type ProblemCode } from '../problems.ts';
import { type Route, route } from '../route.ts';

/** A whole number in a query, from `least` to `most`. */
export function wholeNumber(least: number, most: number) {
  return z
    .string()
    .regex(/^\d{1,15}$/, `must be a whole number from ${least} to ${most}`)
    .transform(Number)
    .refine((value) => value >= least && value <= most, `must be a whole number from ${least} to ${most}`);
}

/** Parameters that a former client adds and nobody reads were never an error. */
export const anyQuery = z.object({});

/** As `route`: a route of the former product. Its query may hold more than is read. */
export const oldRoute = ((spec: Parameters<typeof route>[0]) =>
  route({ ...spec, query: spec.query ?? anyQuery, old: true })) as unknown as typeof route;

/** A problem whose `detail` is the word that the former product used. */
export function oldWord(code: ProblemCode, word: string, message: string): ApiProblem {
  return new ApiProblem(code, message, { extra: { old: word } });
}

/** The answer that most calls of the former product had. */
export const statusResponse = z.object({
  status: z.enum(['success', 'error', 'nothing']),
  message: z.string(),
  description: z.string().nullable(),
  id: z.string().nullable(),
  preview: z.array(z.string()).nullable(),
});
export type StatusResponse = z.output<typeof statusResponse>;

export function toldAs(
  status: StatusResponse['status'],
  message: string,
  more: Partial<Pick<StatusResponse, 'description' | 'preview'>> = {},
): StatusResponse {
  return { status, message, description: more.description ?? null, id: null, preview: more.preview ?? null };
}

/** An object whose members are told in docs/compatibility.md, and may become more. */
export const anyObject = z.record(z.string(), z.unknown());

export type OldRoute = Route;
