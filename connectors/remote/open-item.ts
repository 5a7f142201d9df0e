import type { Item, ItemRef } from '../../domain/item.ts';
import type { Told } from '../../domain/remote.ts';
import type { OpenItem } from '../connector.ts';
import { ConnectorError } from '../errors.ts';
import { readFailure, scanRequest } from './requests.ts';
import type { RemoteAnswer, RemoteService } from './service.ts';
import type { RemoteSettings } from './settings.ts';
import { toldBy, versionOf } from './version.ts';

const BYTES = 'application/octet-stream';
/** Locations whose pushed size proved wrong. */
const MOST_WRONG = 1_000;

/** How items of a remote connector are opened. */
export interface Opener {
  /** @throws ConnectorError */
  open(item: ItemRef & Pick<Item, 'version'>, signal: AbortSignal): Promise<OpenItem>;
}

/**
 * The size that the bytes are held against comes from the head of the answer, else from the push. Where neither tells it, or the pushed one
 * proved wrong, the item is read twice: first to count its bytes, then to scan them. Nothing is ever held whole.
 */
export function createOpener(settings: RemoteSettings, service: RemoteService): Opener {
  const wrong = new Set<string>();
  const note = (location: string): void => {
    wrong.add(location);
    if (wrong.size > MOST_WRONG) for (const oldest of [...wrong].slice(0, 1)) wrong.delete(oldest);
  };

  async function bytesOf(item: ItemRef, told: Told, signal: AbortSignal): Promise<RemoteAnswer> {
    const answer = await service.ask('POST', 'read_file', scanRequest(settings, item, told), signal);
    if (answer.status === 200 && answer.type === BYTES) return answer;
    answer.body.destroy();
    throw readFailure(settings.id, item.location, answer.status);
  }

  async function counted(item: ItemRef, answer: RemoteAnswer, signal: AbortSignal): Promise<number> {
    let bytes = 0;
    for await (const chunk of chunksOf(settings.id, item.location, answer, signal)) bytes += chunk.length;
    return bytes;
  }

  return {
    async open(item, signal) {
      const told = toldBy(item.version) ?? { name: item.location };
      let answer = await bytesOf(item, told, signal);
      let size = answer.length ?? (wrong.has(item.location) ? undefined : told.size);
      if (size === undefined) {
        size = await counted(item, answer, signal);
        answer = await bytesOf(item, told, signal);
      }
      return opened(settings.id, item.location, answer, { name: told.name, size }, () => note(item.location));
    },
  };
}

function opened(
  id: string,
  location: string,
  answer: RemoteAnswer,
  told: Required<Told>,
  onMisfit: () => void,
): OpenItem {
  let read = 0;
  let ended = false;
  return {
    version: versionOf(told),
    size: told.size,
    async *read(signal) {
      for await (const chunk of chunksOf(id, location, answer, signal)) {
        read += chunk.length;
        yield chunk;
        if (read > told.size) break;
      }
      ended = read <= told.size;
    },
    async confirm() {
      if (ended && read === told.size) return;
      onMisfit();
      const seen = read > told.size ? `more than ${told.size}` : `${read} of ${told.size}`;
      throw new ConnectorError('changed', `remote connector ${id} gave ${seen} bytes of ${JSON.stringify(location)}`);
    },
    async close() {
      answer.body.destroy();
    },
  };
}

async function* chunksOf(
  id: string,
  location: string,
  { body }: RemoteAnswer,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      signal.throwIfAborted();
      yield chunk;
    }
  } catch (cause) {
    signal.throwIfAborted();
    const what = `remote connector ${id} broke off while it gave ${JSON.stringify(location)}`;
    throw new ConnectorError('storage_error', what, { cause });
  }
}
