import { CliError } from '../errors.ts';
import { withClaim } from './claim.ts';
import { clearLeftovers, livingState } from './leftovers.ts';

/**
 * Makes this process the supervisor of the home: ends what a killed one left, and calls `write`, which puts the state in place.
 *
 * @throws CliError `already_up`
 */
export async function claimHome(home: string, say: (line: string) => void, write: () => void): Promise<void> {
  await withClaim(home, async () => {
    const other = livingState(home);
    if (other !== undefined) {
      const how = other.phase === 'up' ? 'is up' : other.phase === 'starting' ? 'is being started' : 'is being stopped';
      const where = other.api ? `, its API on ${other.api}` : '';
      throw new CliError(
        'failed',
        'already_up',
        `a stack ${how} in ${home} since ${other.since} (process ${other.supervisor.pid})${where}: use it, or end it by \`dsx down\``,
      );
    }
    await clearLeftovers(home, say);
    write();
  });
}
