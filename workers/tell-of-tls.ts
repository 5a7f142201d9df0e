import type { CommonConfig } from '../config/common.ts';
import type { Log } from './log.ts';

/** Warns of connections that anybody on the way could have forged. */
export function tellOfTls({ scanners }: Pick<CommonConfig, 'scanners'>, log: Pick<Log, 'warn'>): void {
  for (const { name, url, verifyTls } of Object.values(scanners)) {
    if (verifyTls) continue;
    const text =
      'the certificate of the scanner is NOT verified: whoever sits between can forge its verdicts (DSXA_VERIFY_TLS=off)';
    log.warn({ scanner: name, url }, text);
  }
}
