import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import type { AuditEntry } from '../../ledger/audit-log.ts';
import { canonicalJson } from '../../ledger/canonical-json.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { withoutSecrets } from './redact.ts';

/** How long an answer waits for its entry, in milliseconds. */
const WAIT_MS = 2_000;
/** A ledger that could not be written is tried again after this, in milliseconds. */
const AGAIN_MS = 5_000;
/** Entries that wait for a ledger that can't be written, and entries of one object. */
const MOST_WAITING = 10_000;
const BATCH = 500;
/** A larger body is named by its hash and size only, in bytes of JSON. */
export const MOST_BODY = 2_048;

/**
 * Writes down who changed what. It resolves once the entry is durable; or at once when the ledger can't be written, and after two seconds when
 * it is slow: an action that is done is not taken back for that, so the entry then waits, and is in the log of the process, whole. Never throws.
 */
export type Audit = (entry: Omit<AuditEntry, 'format'>) => Promise<void>;

interface Waiting {
  readonly entry: AuditEntry;
  /** Lets the answer go. */
  readonly done: () => void;
  /** The same, and puts the entry into the log of the process: it is not durable yet. */
  readonly giveUp: () => void;
}

export function createAudit(open: () => Promise<Pick<Ledger, 'audit'>>, log: Logger): Audit {
  let waiting: Waiting[] = [];
  let writing = false;
  let again: NodeJS.Timeout | undefined;

  /** One object at a time: what comes meanwhile goes into the next one. */
  async function write(): Promise<void> {
    if (writing) return;
    writing = true;
    try {
      while (waiting.length > 0) {
        const batch = waiting.slice(0, BATCH);
        await (await open()).audit.append(batch.map(({ entry }) => entry));
        const written = new Set(batch);
        waiting = waiting.filter((one) => !written.has(one));
        for (const { done } of batch) done();
      }
    } catch (error) {
      log.error({ err: error, waiting: waiting.length }, 'the audit log can not be written');
      for (const { giveUp } of waiting) giveUp();
      again = setTimeout(() => {
        again = undefined;
        void write();
      }, AGAIN_MS).unref();
    } finally {
      writing = false;
    }
  }

  return (plain) =>
    new Promise((resolve) => {
      const entry: AuditEntry = { format: 1, ...plain };
      let told = false;
      const giveUp = (): void => {
        if (told) return;
        told = true;
        log.error({ audit: entry }, 'an audit entry waits for the ledger');
        done();
      };
      const late = setTimeout(giveUp, WAIT_MS);
      const done = (): void => {
        told = true;
        clearTimeout(late);
        resolve();
      };
      if (waiting.length >= MOST_WAITING) {
        const lost = waiting.shift();
        log.error({ audit: lost?.entry }, 'an audit entry is given up: too many wait for the ledger');
      }
      waiting.push({ entry, done, giveUp });
      if (again === undefined) void write();
      else giveUp();
    });
}

/** What of a body goes into an entry: never a secret that clients send along, also where it is not asked for. */
export function auditedBody(body: unknown): unknown {
  if (body === undefined) return undefined;
  const kept = withoutSecrets(body);
  const text = canonicalJson(kept);
  const bytes = Buffer.byteLength(text);
  if (bytes <= MOST_BODY) return kept;
  return { bytes, sha256: createHash('sha256').update(text).digest('hex') };
}
