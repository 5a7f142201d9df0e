import { type Conflict, type Drive, nameTaken, notFound } from './drive.ts';
import { GraphFailure, jsonOf, type Reply, type Request } from './http.ts';
import { itemJson, type Showing } from './item-json.ts';
import { eTagOf, type Node, newNode } from './node.ts';
import { pageOf } from './sites.ts';

/** What a path of a request names: an item that is there, or a name in a folder where none is. */
export type Target =
  | { readonly node: Node }
  | { readonly parent: readonly string[]; readonly from: Node; readonly name: string };

export interface ItemCall {
  readonly drive: Drive;
  readonly target: Target;
  /** `children`, `content`, …; '' is the item itself. */
  readonly part: string;
  readonly request: Request;
  readonly showing: Omit<Showing, 'drive' | 'select'>;
  /** Children of a page where `$top` asks for no fewer. */
  readonly pageSize: number;
}

/** Answers about one item. @throws GraphFailure */
export function answerItem(call: ItemCall): Reply {
  const { method } = call.request;
  switch (`${method} ${call.part}`) {
    case 'GET ':
      return shown(call, there(call), 200);
    case 'GET children':
      return children(call, there(call));
    case 'GET content':
      return content(call, there(call));
    case 'PUT content':
      return upload(call);
    case 'POST children':
      return makeFolder(call, there(call));
    case 'PATCH ':
      return update(call, there(call));
    case 'DELETE ':
      return remove(call, there(call), false);
    case 'POST permanentDelete':
      return remove(call, there(call), true);
    case 'POST restore':
      // Graph restores for personal OneDrive alone.
      throw new GraphFailure(400, 'notSupported', 'Restore is only available for OneDrive Personal.');
    default:
      throw new GraphFailure(400, 'BadRequest', `${method} is not supported for the segment '${call.part}'.`);
  }
}

function there({ target }: ItemCall): Node {
  if (!('node' in target)) throw notFound();
  return target.node;
}

function shown({ drive, request, showing }: ItemCall, node: Node, status: number): Reply {
  const select = request.query
    .get('$select')
    ?.split(',')
    .map((name) => name.trim());
  const body = itemJson(node, { ...showing, drive, ...(select && { select: new Set(select) }) });
  return { status, headers: { etag: eTagOf(node) }, body };
}

function children(call: ItemCall, node: Node): Reply {
  const { drive, request, showing, pageSize } = call;
  if (node.kind !== 'folder') throw new GraphFailure(400, 'invalidRequest', 'The item is no folder.');
  const { value, next } = pageOf([...node.children.values()], request.query, pageSize);
  const link = `https://${request.headers.host}${request.path}?${next}`;
  const select = request.query.get('$select')?.split(',');
  const entries = value.map((one) => itemJson(one, { ...showing, drive, ...(select && { select: new Set(select) }) }));
  return { status: 200, body: { value: entries, ...(next && { '@odata.nextLink': link }) } };
}

function content({ drive, showing }: ItemCall, node: Node): Reply {
  if (node.kind !== 'file') throw new GraphFailure(400, 'invalidRequest', 'The item has no content of its own.');
  if (node.malware) throw new GraphFailure(403, 'malwareDetected', 'Malware was detected in the requested resource.');
  return { status: 302, headers: { location: showing.downloadUrl(drive, node) } };
}

function upload(call: ItemCall): Reply {
  const { drive, target, request } = call;
  const behavior = conflictOf(request.query.get('@microsoft.graph.conflictBehavior') ?? 'replace');
  if ('node' in target && behavior !== 'rename') {
    const { node } = target;
    if (node.kind !== 'file' || behavior === 'fail') throw nameTaken();
    condition(request, node);
    drive.write(node, request.body);
    return shown(call, node, 200);
  }
  const { parent, name } = 'node' in target ? { parent: parentOf(target.node), name: target.node.name } : placed(call);
  const node = drive.add(newNode('file', drive.freeName(parent, name), parent));
  drive.write(node, request.body);
  return shown(call, node, 201);
}

/** Folders on the way to an upload are made. */
function placed({ drive, target }: ItemCall): { parent: Node; name: string } {
  if ('node' in target) throw notFound();
  return { parent: drive.folder(target.parent, target.from), name: target.name };
}

function makeFolder(call: ItemCall, parent: Node): Reply {
  const { drive } = call;
  const body = jsonOf(call.request);
  if (typeof body.name !== 'string' || typeof body.folder !== 'object') {
    throw new GraphFailure(400, 'invalidRequest', 'A folder needs name and folder.');
  }
  const behavior = conflictOf(body['@microsoft.graph.conflictBehavior'] ?? 'fail');
  const free = behavior === 'rename' ? drive.freeName(parent, body.name) : body.name;
  return shown(call, drive.add(newNode('folder', free, parent)), 201);
}

function update(call: ItemCall, node: Node): Reply {
  const { drive, request } = call;
  const body = jsonOf(request);
  condition(request, node);
  const reference = (body.parentReference ?? {}) as { id?: string; driveId?: string };
  if (reference.driveId !== undefined && reference.driveId !== drive.id) {
    throw new GraphFailure(400, 'notSupported', 'An item can not be moved to another drive.');
  }
  const parent = reference.id === undefined ? parentOf(node) : drive.node(reference.id);
  const name = typeof body.name === 'string' ? body.name : node.name;
  const behavior = conflictOf(body['@microsoft.graph.conflictBehavior'] ?? 'fail');
  const isSame = parent === node.parent && name === node.name;
  const times = body.fileSystemInfo as { lastModifiedDateTime?: string } | undefined;
  if (!isSame) drive.move(node, parent, behavior === 'rename' ? drive.freeName(parent, name) : name);
  if (times?.lastModifiedDateTime !== undefined) {
    node.modified = new Date(times.lastModifiedDateTime);
    drive.touch(node);
  }
  return shown(call, node, 200);
}

function remove({ drive, request }: ItemCall, node: Node, forGood: boolean): Reply {
  condition(request, node);
  drive.delete(node, { forGood });
  return { status: 204 };
}

function parentOf(node: Node): Node {
  if (node.parent === undefined) throw new GraphFailure(400, 'invalidRequest', 'The root stays as it is.');
  return node.parent;
}

function condition({ headers }: Request, node: Node): void {
  const wanted = headers['if-match'];
  if (wanted === undefined || wanted.trim() === '*') return;
  const tags = wanted.split(/,(?=\s*")/).map((tag) => tag.trim());
  if (!tags.includes(eTagOf(node))) {
    throw new GraphFailure(412, 'resourceModified', "ETag does not match current item's value.");
  }
}

function conflictOf(value: unknown): Conflict {
  if (value === 'fail' || value === 'rename' || value === 'replace') return value;
  throw new GraphFailure(400, 'invalidRequest', 'conflictBehavior must be fail, rename or replace.');
}
