import { messageOf } from '../domain/errors.ts';
import { hoursAt } from '../domain/hours.ts';
import type { NextHours, NextHoursInput } from './types.ts';

/**
 * Tells whether the hours of a job are open, and when that changes. An activity, because time zones come from tables that differ
 * from machine to machine. Never throws.
 */
export function createNextHours(): (input: NextHoursInput) => Promise<NextHours> {
  return async ({ hours, now }) => {
    try {
      return hoursAt(hours, now);
    } catch (error) {
      const problem = `this worker can't tell the time in ${hours.timeZone}: ${messageOf(error)}`;
      return { open: false, problem };
    }
  };
}
