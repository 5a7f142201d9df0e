import { z } from 'zod';
import { knowsTimeZone } from '../domain/hours.ts';
import { DAYS, type LimitsChange, limitsFault } from '../domain/limits.ts';

/** The fields of limits, for bodies that start a scan or change its limits. What is out of range is told by `checkLimits`. */
const figure = z.number({ error: 'must be a whole number, or null for no limit' });
const time = z.string({ error: 'must be a time, as 22:00' });
const hours = z.strictObject({
  timeZone: z.string({ error: 'must be the name of a time zone, as Europe/Zurich' }),
  spans: z.array(z.strictObject({ days: z.array(z.enum(DAYS)), from: time, to: time })),
});

/** Limits of a start: there is nothing yet that null could take away. */
export const limitsSchema = z
  .strictObject({
    itemsInFlight: figure.optional(),
    bytesPerSecond: figure.optional(),
    requestsPerSecond: figure.optional(),
    hours: hours.optional(),
  })
  .superRefine(checkLimits);

/** The fields of a change, without the check. */
export const limitsChangeShape = {
  itemsInFlight: figure.nullable().optional(),
  bytesPerSecond: figure.nullable().optional(),
  requestsPerSecond: figure.nullable().optional(),
  hours: hours.nullable().optional(),
};

/** Adds what is wrong with a change of limits, at its field. */
export function checkLimits(change: LimitsChange, context: z.RefinementCtx): void {
  const fault = limitsFault(change) ?? zoneFault(change);
  if (fault === undefined) return;
  context.addIssue({ code: 'custom', path: fault.field.split('.'), message: fault.message });
}

function zoneFault({ hours: wanted }: LimitsChange): { field: string; message: string } | undefined {
  if (wanted === undefined || wanted === null || knowsTimeZone(wanted.timeZone)) return undefined;
  const message = `there is no time zone ${JSON.stringify(wanted.timeZone)}; name one as Europe/Zurich or UTC`;
  return { field: 'hours.timeZone', message };
}
