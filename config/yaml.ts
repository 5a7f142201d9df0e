import { readFileSync } from 'node:fs';
import { type Document, isMap, isPair, isScalar, LineCounter, type Node, parseDocument, visit } from 'yaml';
import type { ConfigProblem } from './errors.ts';
import { unreadable } from './files.ts';

/** A place in a YAML file: keys and list indexes from the root. */
export type FieldPath = readonly PropertyKey[];

/** A YAML file that could be read, with the lines of its parts (1-based). */
export interface YamlFile {
  /** Plain values; undefined for an empty file. */
  readonly value: unknown;
  has(field: FieldPath): boolean;
  /** The value of a scalar field. */
  at(field: FieldPath): unknown;
  /** Of the field, or of the nearest part around it. */
  lineOf(field: FieldPath): number;
  /** Of a key of the map at `field`. */
  lineOfKey(field: FieldPath, key: string): number;
}

/** Larger files are refused, in bytes. */
const MAX_BYTES = 1024 * 1024;

/**
 * Reads a YAML file. In its values `${NAME}` stands for that variable of `env`, and `$${` for `${` itself. A value of a field in
 * `secret` that is nothing but a reference stays as it is where the variable is not set: whoever needs it says so.
 */
export function readYaml(
  file: string,
  env: NodeJS.ProcessEnv,
  secret: ReadonlySet<string> = new Set(),
): YamlFile | readonly ConfigProblem[] {
  const refuse = (text: string, line?: number): readonly ConfigProblem[] => [
    { code: 'invalid_file', file, ...(line !== undefined && { line }), text },
  ];
  const problem = unreadable(file, { file });
  if (problem !== undefined) return [problem];
  const stored = readFileSync(file);
  if (stored.length > MAX_BYTES) return refuse(`is larger than ${MAX_BYTES} bytes; is it the right file?`);
  let source: string;
  try {
    source = new TextDecoder('utf-8', { fatal: true }).decode(stored);
  } catch {
    return refuse('is not UTF-8; save it as UTF-8');
  }
  const lines = new LineCounter();
  const doc = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  const [bad] = doc.errors;
  if (bad !== undefined) return refuse(`is not YAML: ${bad.message}`, lines.linePos(bad.pos[0]).line);

  const at = (node: Node | null | undefined) => lines.linePos(node?.range?.[0] ?? 0).line;
  const missing = expand(doc, env, secret);
  if (missing.length > 0) {
    return missing.map(({ node, text }) => ({ code: 'missing_reference', file, line: at(node), text }));
  }
  try {
    return {
      value: doc.toJS() ?? undefined,
      has: (field) => field.length === 0 || doc.hasIn(field),
      at: (field: FieldPath) => doc.getIn(field),
      lineOf: (field) => at(nodeAt(doc, field)),
      lineOfKey: (field, key) => at(keyAt(nodeAt(doc, field), key)),
    };
  } catch {
    return refuse('refers to its own parts too often; write them out');
  }
}

/** Replaces the references in every value (never in a key). Those that name no variable come back. */
function expand(doc: Document, env: NodeJS.ProcessEnv, secret: ReadonlySet<string>): { node: Node; text: string }[] {
  const missing: { node: Node; text: string }[] = [];
  visit(doc, {
    Scalar(key, node, path) {
      if (key === 'key' || typeof node.value !== 'string') return;
      const parent = path.at(-1);
      const field = isPair(parent) && isScalar(parent.key) ? String(parent.key.value) : '';
      const [, whole] = /^\$\{([^}]+)\}$/.exec(node.value) ?? [];
      if (whole !== undefined && secret.has(field) && (env[whole] ?? '') === '') return;
      node.value = node.value.replace(/\$\$\{|\$\{([^}]*)\}?/g, (all, name: string | undefined) => {
        if (all === '$${') return '${';
        const value = name !== undefined && all.endsWith('}') ? env[name] : undefined;
        if (value !== undefined && value !== '') return value;
        const text = `refers to ${all}, which is not set; set the variable (or write $\${ for the characters)`;
        missing.push({ node, text });
        return '';
      });
    },
  });
  return missing;
}

function nodeAt(doc: Document, field: FieldPath): Node | null {
  for (let depth = field.length; depth > 0; depth--) {
    const node = doc.getIn(field.slice(0, depth), true);
    if (node !== undefined && node !== null) return node as Node;
  }
  return doc.contents;
}

function keyAt(parent: Node | null, key: string): Node | null {
  if (!isMap(parent)) return parent;
  const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
  return isScalar(pair?.key) ? pair.key : parent;
}
