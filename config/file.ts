import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Document, isMap, isScalar, LineCounter, type Node, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { type ConnectorSettings, connectorSchema } from './connectors.ts';
import type { ConfigProblem } from './errors.ts';
import { integer, onOff, scannerOrigin } from './fields.ts';
import { unreadable } from './files.ts';
import { nearest } from './nearest.ts';

/** `scanner:` of the file. Its paths are absolute here: a relative one starts at the file's folder. */
export interface FileScanner {
  readonly url: string;
  readonly tokenFile?: string;
  readonly protectedEntity?: number;
  readonly caFile?: string;
  readonly metadata?: boolean;
}

export interface ConfigFile {
  readonly connectors: readonly ConnectorSettings[];
  readonly scanner?: FileScanner;
}

const file = z.string({ error: 'must be a path' }).min(1, { error: 'must be a path' });

/** The root of dsx-connect.yaml. */
export const fileSchema = z.strictObject({
  connectors: z.array(connectorSchema, { error: 'must be a list, each entry with a hyphen' }).nullish(),
  scanner: z
    .strictObject({
      url: scannerOrigin,
      tokenFile: file.optional(),
      protectedEntity: integer(1, Number.MAX_SAFE_INTEGER).optional(),
      caFile: file.optional(),
      metadata: onOff.optional(),
    })
    .optional(),
});

/** Larger files are refused, in bytes. */
const MAX_BYTES = 1024 * 1024;

/** Reads and checks dsx-connect.yaml. `${NAME}` in a value stands for that variable, `$${` for `${` itself. */
export function loadConfigFile(
  file: string,
  env: NodeJS.ProcessEnv,
): { config: ConfigFile; problems: ConfigProblem[]; lineOf: (field: readonly PropertyKey[]) => number } {
  const nothing = (code: ConfigProblem['code'], text: string, line?: number) => {
    const problem = { code, file, ...(line !== undefined && { line }), text };
    return { config: { connectors: [] }, problems: [problem], lineOf: () => 1 };
  };
  const problem = unreadable(file, { file });
  if (problem !== undefined) return { config: { connectors: [] }, problems: [problem], lineOf: () => 1 };
  const stored = readFileSync(file);
  if (stored.length > MAX_BYTES)
    return nothing('invalid_file', `is larger than ${MAX_BYTES} bytes; is it the right file?`);
  let source: string;
  try {
    source = new TextDecoder('utf-8', { fatal: true }).decode(stored);
  } catch {
    return nothing('invalid_file', 'is not UTF-8; save it as UTF-8');
  }
  const lines = new LineCounter();
  const doc = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  const [bad] = doc.errors;
  if (bad !== undefined) return nothing('invalid_file', `is not YAML: ${bad.message}`, lines.linePos(bad.pos[0]).line);

  const at = (node: Node | null | undefined) => lines.linePos(node?.range?.[0] ?? 0).line;
  const problems = expand(doc, env).map(({ node, text }) => ({
    code: 'missing_reference' as const,
    file,
    line: at(node),
    text,
  }));
  if (problems.length > 0) return { config: { connectors: [] }, problems, lineOf: () => 1 };

  const lineOf = (field: readonly PropertyKey[]) => at(nodeAt(doc, field));
  let value: unknown;
  try {
    value = doc.toJS() ?? {};
  } catch {
    return nothing('invalid_file', 'refers to its own parts too often; write them out');
  }
  const parsed = fileSchema.safeParse(value);
  if (!parsed.success) {
    const found = parsed.error.issues.flatMap((issue) => fromIssue(issue, doc, file, at));
    return { config: { connectors: [] }, problems: found, lineOf };
  }
  const connectors = parsed.data.connectors ?? [];
  return {
    config: settings(connectors, parsed.data.scanner, file),
    problems: duplicates(connectors, file, lineOf),
    lineOf,
  };
}

function settings(
  connectors: readonly z.output<typeof connectorSchema>[],
  scanner: z.output<typeof fileSchema>['scanner'],
  file: string,
): ConfigFile {
  if (scanner === undefined) return { connectors };
  const from = path.dirname(path.resolve(file));
  const { tokenFile, caFile, ...rest } = scanner;
  return {
    connectors,
    scanner: {
      ...rest,
      ...(tokenFile !== undefined && { tokenFile: path.resolve(from, tokenFile) }),
      ...(caFile !== undefined && { caFile: path.resolve(from, caFile) }),
    },
  };
}

function duplicates(
  connectors: readonly ConnectorSettings[],
  file: string,
  lineOf: (field: readonly PropertyKey[]) => number,
): ConfigProblem[] {
  const seen = new Map<string, number>();
  return connectors.flatMap(({ id }, index) => {
    const first = seen.get(id);
    if (first === undefined) {
      seen.set(id, index);
      return [];
    }
    const text = `${id} is already the id of the connector in line ${lineOf(['connectors', first, 'id'])}; choose another`;
    const place = { file, line: lineOf(['connectors', index, 'id']), field: fieldName(['connectors', index, 'id']) };
    return [{ code: 'duplicate_id' as const, ...place, text }];
  });
}

/** Replaces the references in every value (never in a key). What names no variable comes back. */
function expand(doc: Document, env: NodeJS.ProcessEnv): { node: Node; text: string }[] {
  const missing: { node: Node; text: string }[] = [];
  visit(doc, {
    Scalar(key, node) {
      if (key === 'key' || typeof node.value !== 'string') return;
      node.value = node.value.replace(/\$\$\{|\$\{([^}]*)\}?/g, (all, name: string | undefined) => {
        if (all === '$${') return '${';
        const value = name !== undefined && all.endsWith('}') ? env[name] : undefined;
        if (value !== undefined && value !== '') return value;
        missing.push({
          node,
          text: `refers to ${all}, which is not set; set the variable (or write $\${ for the characters)`,
        });
        return '';
      });
    },
  });
  return missing;
}

/** The node of a field, or of the nearest one around it. */
function nodeAt(doc: Document, field: readonly PropertyKey[]): Node | null {
  for (let depth = field.length; depth > 0; depth--) {
    const node = doc.getIn(field.slice(0, depth), true);
    if (node !== undefined && node !== null) return node as Node;
  }
  return doc.contents;
}

function fieldName(field: readonly PropertyKey[]): string {
  return field
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${String(part)}`))
    .join('');
}

/** Fields that an object of the file may have, by whether it is the root, the scanner or a connector. */
function keysAt(field: readonly PropertyKey[]): readonly string[] {
  if (field.length === 0) return Object.keys(fileSchema.shape);
  if (field[0] === 'connectors') return Object.keys(connectorSchema.shape);
  return ['url', 'tokenFile', 'protectedEntity', 'caFile', 'metadata'];
}

function fromIssue(
  issue: z.core.$ZodIssue,
  doc: Document,
  file: string,
  at: (node: Node | null | undefined) => number,
): ConfigProblem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const parent = nodeAt(doc, issue.path);
      const pair = isMap(parent)
        ? parent.items.find((item) => isScalar(item.key) && String(item.key.value) === key)
        : undefined;
      const known = keysAt(issue.path);
      const like = nearest(key, known);
      const text =
        like === undefined ? `is not a field; there are ${known.join(', ')}` : `is not a field; did you mean ${like}?`;
      const line = at(isScalar(pair?.key) ? pair.key : parent);
      return { code: 'unknown_key', file, line, field: fieldName([...issue.path, key]), text };
    });
  }
  const place = {
    file,
    line: at(nodeAt(doc, issue.path)),
    ...(issue.path.length > 0 && { field: fieldName(issue.path) }),
  };
  const there = issue.path.length === 0 || doc.hasIn(issue.path);
  if (!there) return [{ code: 'missing_value', ...place, text: `is missing; it ${issue.message}` }];
  const text =
    issue.code === 'invalid_type'
      ? `must be ${issue.expected === 'object' ? 'a set of fields' : issue.expected}`
      : issue.message;
  return [{ code: 'invalid_value', ...place, text }];
}
