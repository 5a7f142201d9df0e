import { CodedError } from '../domain/errors.ts';

/**
 * Why a payload can't be opened.
 * - `codec_off`: it is encrypted, and this process has no keys
 * - `codec_key_unknown`: it was encrypted with a key that this process does not have
 * - `codec_damaged`: the key is here and does not open it: its bytes were changed, or the key of that id is another one
 */
export class CodecError extends CodedError<'codec_off' | 'codec_key_unknown' | 'codec_damaged'> {}
