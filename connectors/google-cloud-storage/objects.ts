import type { Dispatcher } from 'undici';
import { apart } from '../../domain/abort.ts';
import { ConnectorError } from '../errors.ts';
import type { Call, GcsClient } from './client.ts';
import { isElsewise, refusalOf } from './failures.ts';
import { type ObjectName, urlOf } from './place.ts';

/** An object as the service describes it, as far as it is used here. Numbers are decimal text, times RFC 3339. */
export interface GcsObject {
  readonly name: string;
  readonly bucket: string;
  readonly generation: string;
  readonly metageneration: string;
  readonly size: string;
  readonly timeCreated?: string;
  readonly crc32c?: string;
  readonly md5Hash?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly contentLanguage?: string;
  readonly contentDisposition?: string;
  readonly cacheControl?: string;
  readonly customTime?: string;
  readonly storageClass?: string;
  readonly temporaryHold?: boolean;
  readonly eventBasedHold?: boolean;
  readonly retentionExpirationTime?: string;
  readonly retention?: { readonly retainUntilTime?: string };
  readonly customerEncryption?: { readonly encryptionAlgorithm?: string };
}

/** What a copy is given; a copy with any of it inherits nothing. */
export type Description = Partial<
  Pick<
    GcsObject,
    | 'metadata'
    | 'contentType'
    | 'contentEncoding'
    | 'contentLanguage'
    | 'contentDisposition'
    | 'cacheControl'
    | 'customTime'
    | 'storageClass'
  >
>;

interface Rewrite {
  readonly done: boolean;
  readonly rewriteToken?: string;
  readonly resource?: GcsObject;
}

/** What the answer about an object says that it is. */
const OBJECT = 'storage#object';
const REWRITE = 'storage#rewriteResponse';

/** The requests about single objects. Generations are those that a caller has seen. */
export class Objects {
  readonly #client: GcsClient;

  constructor(client: GcsClient) {
    this.#client = client;
  }

  /** The live generation, undefined when there is none. @throws ConnectorError */
  async find(at: ObjectName, signal: AbortSignal): Promise<GcsObject | undefined> {
    try {
      return await this.get(at, signal);
    } catch (error) {
      if (refusalOf(error)?.status === 404) return undefined;
      throw error;
    }
  }

  /** The live generation. @throws ConnectorError `not_found`, … */
  async get(at: ObjectName, signal: AbortSignal): Promise<GcsObject> {
    const about = { doing: 'looking at', ...at };
    return this.#client.json({ method: 'GET', path: pathOf(at), kind: OBJECT, about }, signal);
  }

  /**
   * The bytes of the live generation as they are stored: what is stored packed stays packed.
   * @throws ConnectorError
   */
  async media(at: ObjectName, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const call: Call = {
      method: 'GET',
      path: pathOf(at),
      query: { alt: 'media' },
      headers: { 'accept-encoding': 'gzip' },
      about: { doing: 'reading', ...at },
    };
    return apart(signal, (own) => this.#client.request(call, own));
  }

  /**
   * Copies one generation to a name that nothing has, in as many requests as the service wants.
   * @throws ConnectorError `changed` when the name is taken or the generation is not the live one, `not_found` when it is gone
   */
  async copy(
    from: ObjectName,
    generation: string,
    to: ObjectName,
    description: Description,
    signal: AbortSignal,
  ): Promise<GcsObject> {
    const path = `${pathOf(from)}/rewriteTo/b/${encodeURIComponent(to.bucket)}/o/${encodeURIComponent(to.key)}`;
    const conditions = {
      ifGenerationMatch: '0',
      sourceGeneration: generation,
      ifSourceGenerationMatch: generation,
    };
    let rewriteToken: string | undefined;
    for (;;) {
      const query = { ...conditions, rewriteToken };
      const call: Call = {
        method: 'POST',
        path,
        query,
        body: description,
        kind: REWRITE,
        about: { doing: 'copying', ...from },
      };
      const answer = await this.#client.json<Rewrite>(call, signal);
      if (answer.done && answer.resource !== undefined) return answer.resource;
      rewriteToken = answer.rewriteToken;
      if (answer.done || rewriteToken === undefined) throw unfinished(from);
    }
  }

  /** Adds to the metadata of this generation, if nobody changed them meanwhile. @throws ConnectorError `changed` */
  async describe(
    at: ObjectName,
    seen: GcsObject,
    metadata: Record<string, string>,
    signal: AbortSignal,
  ): Promise<void> {
    const query = { ifGenerationMatch: seen.generation, ifMetagenerationMatch: seen.metageneration };
    const about = { doing: 'tagging', ...at };
    await this.#client.json({ method: 'PATCH', path: pathOf(at), query, body: { metadata }, about }, signal);
  }

  /**
   * Deletes this generation, if it is the live one. `forGood`: whether or not it is live, and nothing is kept as noncurrent.
   * @throws ConnectorError `changed` or `not_found` when it is not there any more
   */
  async remove(at: ObjectName, generation: string, forGood: boolean, signal: AbortSignal): Promise<void> {
    const query = forGood ? { generation } : { ifGenerationMatch: generation };
    await this.#client.json({ method: 'DELETE', path: pathOf(at), query, about: { doing: 'deleting', ...at } }, signal);
  }

  /** Writes a small object of JSON under a name that nothing has. False: the name is taken. @throws ConnectorError */
  async writeNew(at: ObjectName, value: unknown, signal: AbortSignal): Promise<boolean> {
    const path = `/upload/storage/v1/b/${encodeURIComponent(at.bucket)}/o`;
    const query = { uploadType: 'media', name: at.key, ifGenerationMatch: '0' };
    try {
      await this.#client.json({ method: 'POST', path, query, body: value, about: { doing: 'writing', ...at } }, signal);
      return true;
    } catch (error) {
      if (isElsewise(error) && refusalOf(error)?.status === 412) return false;
      throw error;
    }
  }
}

function unfinished(from: ObjectName): ConnectorError {
  const message = `copying ${JSON.stringify(urlOf(from))}: the storage neither ended nor said how to go on`;
  return new ConnectorError('storage_error', message);
}

/** The path of an object in the JSON API. */
export function pathOf({ bucket, key }: ObjectName): string {
  return `${bucketPath(bucket)}/o/${encodeURIComponent(key)}`;
}

export function bucketPath(bucket: string): string {
  return `/storage/v1/b/${encodeURIComponent(bucket)}`;
}
