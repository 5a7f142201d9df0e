import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { systemCode } from '../../domain/errors.ts';
import { CliError } from '../errors.ts';
import { identify, isAlive, type ProcessId } from './process-id.ts';

const PATIENCE_MS = 60_000;

/**
 * Does `work` while no other process does so in this home: for looking at the state and putting another one in place.
 * The lock of a process that has died is broken.
 *
 * @throws CliError `home_is_locked`, or the system's error where the home cannot be written
 */
export async function withClaim<T>(home: string, work: () => Promise<T>): Promise<T> {
  const lock = path.join(home, 'stack', 'lock');
  mkdirSync(path.dirname(lock), { recursive: true, mode: 0o700 });
  const mine = `${lock}.${randomUUID()}`;
  const end = Date.now() + PATIENCE_MS;
  try {
    writeFileSync(mine, JSON.stringify(identify(process.pid)), { mode: 0o600 });
    // A link appears whole or not at all, so a lock always names its owner.
    while (!tryLink(mine, lock)) {
      breakIfStale(lock);
      if (Date.now() > end) {
        throw new CliError(
          'failed',
          'home_is_locked',
          `another dsx is starting or stopping the stack of ${home}: wait for it, or remove ${lock}`,
        );
      }
      await pause(50);
    }
    try {
      return await work();
    } finally {
      rmSync(lock, { force: true });
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

function breakIfStale(lock: string): void {
  if (!isStale(lock)) return;
  const aside = `${lock}.${randomUUID()}`;
  try {
    renameSync(lock, aside);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw error;
  }
  // Another process may have broken it first and taken it: then what was moved is theirs, and goes back.
  if (!isStale(aside)) tryLink(aside, lock);
  rmSync(aside, { force: true });
}

function isStale(lock: string): boolean {
  try {
    return !isAlive(JSON.parse(readFileSync(lock, 'utf8')) as ProcessId);
  } catch (error) {
    return systemCode(error) !== 'ENOENT';
  }
}
