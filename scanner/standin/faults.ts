/** What the stand-in does wrong on purpose, for one request. Written as `kind key=value …`, for example `503 retry-after=2`. */
export interface Fault {
  readonly kind: string;
  readonly params: Readonly<Record<string, string>>;
}

/**
 * The kinds, by when they strike. A number is a status, answered after the body, or before it with `early=1`.
 * `ms` is a time in milliseconds; values are percent-encoded where they hold spaces.
 */
export const FAULT_KINDS = {
  head: ['reset-before', 'reset-mid-body', 'hang', 'stop-reading'],
  body: ['reset', 'reset-after-headers', 'drip', 'slow', 'close-idle'],
  answer: [
    'ok',
    'truncated-json',
    'html',
    'empty',
    'oversize',
    'unknown-verdict',
    'unknown-threat',
    'null-details',
    'no-guid',
    'no-verdict',
    'wrong-hash',
    'wrong-size',
    'nested',
    'legacy',
    'scanning',
    'initializing',
    'bad-entity',
    'not-scanned',
    'verdict',
    'impostor',
  ],
} as const;

const KNOWN: ReadonlySet<string> = new Set(Object.values(FAULT_KINDS).flat());

/** @throws Error that names the fault */
export function parseFault(text: string): Fault {
  const [kind = '', ...rest] = text.trim().split(/\s+/);
  const status = Number(kind);
  if (!KNOWN.has(kind) && !(Number.isInteger(status) && status >= 200 && status <= 599)) {
    throw new Error(`unknown fault ${JSON.stringify(text)}`);
  }
  const params: Record<string, string> = {};
  for (const pair of rest) {
    const cut = pair.indexOf('=');
    if (cut < 1) throw new Error(`in fault ${JSON.stringify(text)}: ${JSON.stringify(pair)} is no key=value`);
    params[pair.slice(0, cut)] = decodeURIComponent(pair.slice(cut + 1));
  }
  return { kind, params };
}

/**
 * A script: each scan request takes the first fault that is meant for it. `metadata=TEXT` means requests whose metadata hold the
 * text, `times=N` repeats (`times=*` for ever), `every=N` strikes at each Nth request that it is meant for.
 */
export class FaultScript {
  #entries: { fault: Fault; left: number; every: number; seen: number }[] = [];

  set(faults: readonly string[]): void {
    this.#entries = faults.map((text) => {
      const fault = parseFault(text);
      const { times, every } = fault.params;
      const left = times === '*' ? Number.POSITIVE_INFINITY : Number(times ?? (every === undefined ? 1 : 'Infinity'));
      return { fault, left, every: Number(every ?? 1), seen: 0 };
    });
  }

  take(metadata: string | undefined): Fault | undefined {
    if (this.#entries.length === 0) return undefined;
    for (const entry of this.#entries) {
      const wanted = entry.fault.params.metadata;
      if (wanted !== undefined && metadata?.includes(wanted) !== true) continue;
      entry.seen += 1;
      if (entry.seen % entry.every !== 0) continue;
      entry.left -= 1;
      if (entry.left <= 0) this.#entries = this.#entries.filter((e) => e !== entry);
      return entry.fault.kind === 'ok' ? undefined : entry.fault;
    }
    return undefined;
  }
}
