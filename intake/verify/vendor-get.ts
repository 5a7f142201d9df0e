import { type Dispatcher, request } from 'undici';
import { DeliveryError } from '../delivery.ts';

/** How vendors' hosts are asked; tests lead it to servers of their own. */
export type VendorGet = (url: URL, maxBytes: number) => Promise<string>;

const TIMEOUT_MS = 5_000;

/**
 * GET of a vendor's address: https, no redirect followed, bounded in bytes and time. The caller has made sure whose host it is.
 * @returns the body of a 200. @throws DeliveryError `unavailable` for anything else
 */
export function vendorGet(dispatcher?: Dispatcher): VendorGet {
  return async (url, maxBytes) => {
    if (url.protocol !== 'https:') throw new DeliveryError('unavailable', `${url.origin} is not https`);
    try {
      const { statusCode, body } = await request(url, {
        signal: AbortSignal.timeout(TIMEOUT_MS),
        headersTimeout: TIMEOUT_MS,
        bodyTimeout: TIMEOUT_MS,
        ...(dispatcher !== undefined && { dispatcher }),
      });
      const chunks: Buffer[] = [];
      let bytes = 0;
      // Leaving the loop early destroys the body, and with it the connection.
      for await (const chunk of body) {
        bytes += (chunk as Buffer).length;
        if (bytes > maxBytes)
          throw new DeliveryError('unavailable', `${url.host} answered more than ${maxBytes} bytes`);
        chunks.push(chunk as Buffer);
      }
      if (statusCode !== 200) throw new DeliveryError('unavailable', `${url.host} answered ${statusCode}`);
      return Buffer.concat(chunks).toString('utf8');
    } catch (cause) {
      if (cause instanceof DeliveryError) throw cause;
      throw new DeliveryError('unavailable', `${url.host} can't be asked`, { cause });
    }
  };
}
