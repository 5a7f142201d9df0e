import { createHash } from 'node:crypto';
import { checkFilesystem } from '../../connectors/filesystem/check.ts';
import { createFilesystemConnector } from '../../connectors/filesystem/connector.ts';
import type { ItemAction } from '../../domain/action.ts';

/**
 * Run as a process of its own, because permissions don't bind root: gives up root, does what the first argument (JSON) asks,
 * and prints the answer as JSON.
 */
interface Errand {
  readonly asset: string;
  readonly quarantine?: string;
  readonly do: 'list' | 'open' | 'act' | 'check' | 'fingerprint';
  readonly location?: string;
  readonly action?: ItemAction;
}

const errand = JSON.parse(process.argv[2] ?? '{}') as Errand;
const signal = new AbortController().signal;
if (process.getuid?.() === 0) {
  process.setgroups?.([]);
  process.setgid?.(65_534);
  process.setuid?.(65_534);
}

async function answer(): Promise<unknown> {
  const connector = createFilesystemConnector({ id: 'files', ...errand });
  if (errand.do === 'check') return checkFilesystem({ id: 'files', ...errand }, errand.action ?? 'nothing');
  if (errand.do === 'fingerprint') return connector.fingerprint(signal);
  if (errand.do === 'open') {
    const open = await connector.open({ location: errand.location ?? '' }, signal);
    await open.close();
    return 'opened';
  }
  if (errand.do === 'act') {
    const item = { location: errand.location ?? '' };
    const open = await connector.open(item, signal);
    const hash = createHash('sha256');
    for await (const chunk of open.read(signal)) hash.update(chunk);
    await open.close();
    return connector.act(
      {
        finding: 'job-1/0-1:7',
        item,
        judged: { version: open.version, size: open.size },
        action: errand.action as Exclude<ItemAction, 'nothing'>,
        provenance: {
          job: 'job-1',
          connector: 'files',
          verdict: 'Malicious',
          sha256: hash.digest('hex'),
          standIn: true,
          judgedAt: '2026-01-02T03:04:05.000Z',
        },
      },
      signal,
    );
  }
  const listing = connector.list({ includes: () => true, mayEnter: () => true }, undefined);
  const events: unknown[] = [];
  for (let event = await listing.next(signal); event; event = await listing.next(signal)) events.push(event);
  return events;
}

try {
  console.log(JSON.stringify({ answer: await answer() }));
} catch (error) {
  console.log(JSON.stringify({ error: (error as { code?: string }).code, message: String(error) }));
}
