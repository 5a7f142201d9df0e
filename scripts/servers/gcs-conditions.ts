/** Names an object; without a generation the live one. */
export interface Target {
  readonly bucket: string;
  readonly name: string;
  readonly generation?: string | undefined;
}

/** What the service tells of an object. */
export interface ObjectFacts extends Target {
  readonly generation: string;
  readonly metageneration: string;
  readonly temporaryHold?: boolean;
  readonly eventBasedHold?: boolean;
}

/** One condition of a request. */
export interface Condition {
  /** It is about the object that is copied, not the one that is made. */
  readonly source: boolean;
  readonly field: 'generation' | 'metageneration';
  readonly not: boolean;
  readonly value: string;
}

const NAME = /^if(Source)?(Generation|Metageneration)(Not)?Match$/;

/** The conditions in the query of a request. */
export function conditionsOf(url: URL): Condition[] {
  return [...url.searchParams].flatMap(([name, value]) => {
    const [, source, field, not] = NAME.exec(name) ?? [];
    if (field === undefined) return [];
    const lower = field.toLowerCase() as Condition['field'];
    return [{ source: source !== undefined, field: lower, not: not !== undefined, value }];
  });
}

/** Whether a condition holds for an object; undefined: there is none. A generation of 0 stands for no object. */
export function holds({ field, not, value }: Condition, facts: ObjectFacts | undefined): boolean {
  if (field === 'generation' && value === '0') return (facts === undefined) !== not;
  if (facts === undefined) return false;
  return (facts[field] === value) !== not;
}

const OBJECT = /^\/(?:upload\/|download\/)?storage\/v1\/b\/([^/]+)\/o(?:\/([^/]+))?(?:\/(compose))?$/;
const COPY = /^\/storage\/v1\/b\/([^/]+)\/o\/([^/]+)\/(?:rewriteTo|copyTo)\/b\/([^/]+)\/o\/([^/]+)$/;

/** The object that a request is about, and the one that it copies. Neither: a listing, a bucket, an upload under way. */
export function targetsOf(url: URL): { readonly target?: Target; readonly source?: Target } {
  const { pathname, searchParams } = url;
  const copy = COPY.exec(pathname);
  if (copy !== null) {
    const [bucket = '', name = '', toBucket = '', toName = ''] = copy.slice(1).map(decodeURIComponent);
    const generation = searchParams.get('sourceGeneration') ?? undefined;
    return { target: { bucket: toBucket, name: toName }, source: { bucket, name, generation } };
  }
  const [, bucket, inPath] = OBJECT.exec(pathname) ?? [];
  const name = inPath === undefined ? searchParams.get('name') : decodeURIComponent(inPath);
  if (bucket === undefined || name === null) return {};
  const generation = searchParams.get('generation') ?? undefined;
  return { target: { bucket: decodeURIComponent(bucket), name, generation } };
}
