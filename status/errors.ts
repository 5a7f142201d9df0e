import { CodedError } from '../domain/errors.ts';

/**
 * Why the status could not be written or read. Nobody may depend on the status: whoever meets one of these goes on without it.
 * - `status_down`: no connection to Redis (any more); it is tried again in the background
 * - `status_timeout`: Redis did not answer in time; whether a write happened is not known, repeating it is harmless
 * - `status_refused`: Redis answered with an error (password, memory limit, read-only replica)
 * - `status_config`: the address can't work; only raised when the store is created
 */
export type StatusCode = 'status_down' | 'status_timeout' | 'status_refused' | 'status_config';

export class StatusUnavailable extends CodedError<StatusCode> {}
