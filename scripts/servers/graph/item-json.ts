import type { Drive } from './drive.ts';
import { cTagOf, eTagOf, type Node, namesOf } from './node.ts';

export interface Showing {
  readonly drive: Drive;
  /** The address of the bytes for whoever has no token. */
  readonly downloadUrl: (drive: Drive, node: Node) => string;
  /** As `$select` gives it; undefined shows everything. */
  readonly select?: ReadonlySet<string>;
}

type Json = Readonly<Record<string, unknown>>;

/** A drive item as it is shown by its id or path, or among the children of a folder. */
export function itemJson(node: Node, showing: Showing): Json {
  const { drive } = showing;
  const { parent } = node;
  const path =
    parent &&
    `/drives/${drive.id}/root:${namesOf(parent)
      .map((name) => `/${encodeURIComponent(name)}`)
      .join('')}`;
  const own = { driveId: drive.id, driveType: drive.kind };
  return selected(node, showing, {
    ...shared(node, showing),
    cTag: cTagOf(node),
    lastModifiedBy: { user: { displayName: 'Somebody' } },
    parentReference: parent ? { ...own, id: parent.id, name: parent.name, path } : own,
  });
}

/** The same in a delta, which leaves out the cTag, who changed it, the path of the parent, and the name of what is gone. */
export function deltaJson(node: Node, showing: Showing & { readonly withCTag: boolean }): Json {
  const own = { driveId: showing.drive.id, driveType: showing.drive.kind };
  const parentReference = node.parent ? { ...own, id: node.parent.id } : own;
  if (node.deleted) {
    return { '@odata.type': '#microsoft.graph.driveItem', id: node.id, deleted: { state: 'deleted' }, parentReference };
  }
  const cTag = showing.withCTag && { cTag: cTagOf(node) };
  return selected(node, showing, { ...shared(node, showing), ...cTag, parentReference });
}

function shared(node: Node, { drive, downloadUrl, select }: Showing): Json {
  const wantsUrl =
    select === undefined || select.has('@microsoft.graph.downloadUrl') || select.has('content.downloadUrl');
  const times = { createdDateTime: seconds(node.created), lastModifiedDateTime: seconds(node.modified) };
  const path = namesOf(node)
    .map((name) => `/${encodeURIComponent(name)}`)
    .join('');
  return {
    ...(node.kind === 'file' && wantsUrl && { '@microsoft.graph.downloadUrl': downloadUrl(drive, node) }),
    id: node.id,
    name: node.name,
    eTag: eTagOf(node),
    size: sizeOf(node),
    webUrl: `${drive.webUrl}${path}`,
    ...times,
    fileSystemInfo: times,
    ...facets(node),
  };
}

function facets(node: Node): Json {
  const malware = node.malware && { malware: { description: 'EICAR' } };
  switch (node.kind) {
    case 'file':
      return { file: { mimeType: 'application/octet-stream', hashes: { quickXorHash: node.hash } }, ...malware };
    case 'package':
      return { package: { type: 'oneNote' } };
    case 'shortcut':
      return { remoteItem: { id: node.guid, folder: { childCount: 0 }, parentReference: { driveId: 'b!elsewhere' } } };
    default:
      return { folder: { childCount: node.children.size }, ...(node.parent === undefined && { root: {} }) };
  }
}

function sizeOf(node: Node): number {
  return [...node.children.values()].reduce((sum, child) => sum + sizeOf(child), node.bytes.length);
}

/** Times of SharePoint are whole seconds. */
function seconds(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}

function selected(node: Node, { select }: Showing, json: Json): Json {
  const tag = { '@odata.etag': eTagOf(node) };
  if (select === undefined) return { ...tag, ...json };
  const wanted = Object.entries(json).filter(([name]) => select.has(name) || name.startsWith('@'));
  return { ...tag, ...Object.fromEntries(wanted) };
}
