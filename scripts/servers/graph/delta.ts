import { createHmac, randomBytes } from 'node:crypto';
import type { Drive } from './drive.ts';
import { GraphFailure, type Reply, type Request } from './http.ts';
import { deltaJson, type Showing } from './item-json.ts';
import type { Node } from './node.ts';

/** What a token says. The client sees none of it. */
interface Place {
  readonly drive: string;
  /** Changes up to this one were given. */
  readonly after: number;
  /** Changes up to this one are no news of deletion: what was gone by then was never shown. */
  readonly since: number;
  readonly top: number;
  readonly select?: readonly string[];
}

/** Enumerations of drives, which keep nothing but their tokens: whatever changes meanwhile is given (again) at the end. */
export class Deltas {
  /** Items of a page where `$top` asks for no fewer. */
  pageSize = 200;
  /** The documentation says that a delta leaves out the cTag; SharePoint has been seen to give it. */
  withCTag = false;
  /** Beside what changed, the folders that it lies in are given, though nothing of theirs changed, as Graph does. */
  withFolders = false;
  #key = randomBytes(16);

  /** Every token given so far is answered with 410 from now on. */
  expire(): void {
    this.#key = randomBytes(16);
  }

  page(drive: Drive, request: Request, showing: Omit<Showing, 'drive' | 'select'>): Reply {
    const { query, headers } = request;
    const root = `https://${headers.host}/v1.0/drives/${encodeURIComponent(drive.id)}/root`;
    const base = `${root}/delta`;
    const [, inPath] = /\/delta\(token='([^']*)'\)$/.exec(decodeURIComponent(request.path)) ?? [];
    const token = inPath ?? query.get('token') ?? undefined;
    const { changes } = drive;
    const fresh = { drive: drive.id, after: 0, since: changes, ...this.#wanted(query) };
    if (token === 'latest') {
      const link = this.#link(base, { ...fresh, after: changes });
      return { status: 200, body: { value: [], '@odata.deltaLink': link } };
    }
    const place = token === undefined ? fresh : this.#read(token, drive, base);
    const select = place.select && { select: new Set(place.select) };
    const value: object[] = [];
    let after = place.after;
    let more = false;
    for (const { node, change } of drive.changedAfter(place.after)) {
      if (node.deleted && change <= place.since) continue;
      more = value.length >= place.top;
      if (more) break;
      for (const one of this.withFolders ? [...foldersOf(node), node] : [node]) {
        value.push(deltaJson(one, { ...showing, drive, ...select, withCTag: this.withCTag }));
      }
      after = change;
    }
    const links = more
      ? { '@odata.nextLink': this.#link(base, { ...place, after }) }
      : { '@odata.deltaLink': this.#link(base, { ...place, after: drive.changes, since: 0 }) };
    return {
      status: 200,
      body: { '@odata.context': `https://${headers.host}/v1.0/$metadata#Collection(driveItem)`, ...links, value },
    };
  }

  #wanted(query: URLSearchParams): Pick<Place, 'top' | 'select'> {
    const asked = Number(query.get('$top') ?? this.pageSize);
    const top = Number.isInteger(asked) && asked > 0 ? Math.min(asked, this.pageSize) : this.pageSize;
    const select = query
      .get('$select')
      ?.split(',')
      .map((name) => name.trim());
    return { top, ...(select && { select }) };
  }

  #link(base: string, place: Place): string {
    const text = Buffer.from(JSON.stringify(place)).toString('base64url');
    return `${base}(token='${text}.${this.#sign(text)}')`;
  }

  #read(token: string, drive: Drive, base: string): Place {
    const [text = '', signature] = token.split('.');
    if (signature !== this.#sign(text)) {
      throw new GraphFailure(410, 'resyncRequired', 'Resync required.', { location: base });
    }
    const place = JSON.parse(Buffer.from(text, 'base64url').toString()) as Place;
    if (place.drive !== drive.id) throw new GraphFailure(400, 'invalidRequest', 'The token is of another drive.');
    return place;
  }

  #sign(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64url').slice(0, 16);
  }
}

/** The folders above, the root first. */
function foldersOf({ parent }: Node): Node[] {
  return parent === undefined ? [] : [...foldersOf(parent), ...(parent.deleted ? [] : [parent])];
}
