/** What is left of one caller's share. */
interface Bucket {
  tokens: number;
  at: number;
}

/** Callers that are remembered. The one seen longest ago is forgotten first, which gives it a full bucket again. */
const MOST = 10_000;

/** What shares a bucket of those who are not known: an IPv4 address; of IPv6 the network, since whoever has one has all of its addresses. */
export function bucketOf(address: string): string {
  const bare = address.split('%')[0] ?? '';
  const url = `http://[${bare}]/`;
  if (!bare.includes(':') || /\.\d+$/.test(bare) || !URL.canParse(url)) return address;
  const [head = '', tail] = new URL(url).hostname.slice(1, -1).split('::');
  const words = (text: string | undefined): string[] => (text === undefined || text === '' ? [] : text.split(':'));
  const [first, last] = [words(head), words(tail)];
  const between = Array.from({ length: 8 - first.length - last.length }, () => '0');
  return `${[...first, ...between, ...last].slice(0, 4).join(':')}::/64`;
}

export interface RateLimit {
  /** Takes one: 0 when there was one, else the milliseconds until there is. */
  take(caller: string): number;
}

/**
 * A token bucket for each caller: `perSecond` in the long run, and `burst` at once. It is this process's own: with several API processes a
 * caller has as many shares.
 */
export function createRateLimit(perSecond: number, burst: number, ms = () => performance.now()): RateLimit {
  const buckets = new Map<string, Bucket>();
  const filled = (caller: string): Bucket => {
    const now = ms();
    const { tokens, at } = buckets.get(caller) ?? { tokens: burst, at: now };
    return { tokens: Math.min(burst, tokens + ((now - at) * perSecond) / 1000), at: now };
  };
  const lacking = ({ tokens }: Bucket): number => (tokens >= 1 ? 0 : ((1 - tokens) * 1000) / perSecond);
  return {
    take(caller) {
      const bucket = filled(caller);
      const wait = lacking(bucket);
      if (wait === 0) bucket.tokens -= 1;
      buckets.delete(caller);
      buckets.set(caller, bucket);
      if (buckets.size > MOST) buckets.delete(buckets.keys().next().value as string);
      return wait;
    },
  };
}
