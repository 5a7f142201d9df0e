import { builtinModules } from 'node:module';
import path from 'node:path';
import { type Fault, lineAt, type SourceFile } from './check.ts';

/** One import of a file. `target`: a path from the root for files of the project, else the name of a package or `node:` module. */
export interface Import {
  readonly target: string;
  readonly kind: 'file' | 'node' | 'package';
  /** It vanishes when types are stripped. */
  readonly typeOnly: boolean;
  readonly line: number;
}

/** What a room may import besides itself. A target is a room, a file, or a package; packages of `*` are all that are installed. */
interface Rule {
  readonly rooms?: readonly string[];
  /** Single files of rooms that are otherwise closed. */
  readonly files?: readonly string[];
  /** Rooms of which types alone may be imported. */
  readonly types?: readonly string[];
  readonly packages: readonly string[] | '*';
  readonly node: boolean;
}

const stores = ['connectors', 'scanner', 'ledger', 'status'];
const storeRule: Rule = { rooms: ['domain', 'net'], packages: '*', node: true };
const below = [...stores, 'domain', 'net'];

const DEMO_SERVERS = ['seaweedfs', 'azurite', 'fake-gcs', 'graph/fake'].map((name) => `scripts/servers/${name}.ts`);

/** The rooms, and which way imports point between them. What is not named here (test, bench, scripts) may import anything. */
export const ROOMS: Readonly<Record<string, Rule>> = {
  domain: { packages: [], node: false },
  net: { rooms: ['domain'], packages: ['ipaddr.js', 'undici'], node: true },
  connectors: storeRule,
  scanner: storeRule,
  ledger: storeRule,
  status: storeRule,
  config: {
    rooms: ['domain'],
    files: ['net/allowed.ts', 'net/target.ts', 'connectors/graph/asset-url.ts'],
    types: ['connectors'],
    packages: ['zod', 'yaml'],
    node: true,
  },
  schedules: { rooms: ['domain'], files: ['workflows/messages.ts'], packages: '*', node: true },
  intake: { rooms: below, files: ['workflows/messages.ts'], packages: '*', node: true },
  codec: { rooms: ['domain'], packages: '*', node: true },
  activities: { rooms: [...below, 'intake', 'results'], files: ['workflows/messages.ts'], packages: '*', node: true },
  workflows: {
    rooms: ['domain'],
    files: ['ledger/types.ts', 'activities/types.ts'],
    types: ['activities', 'connectors/connector.ts'],
    packages: ['@temporalio/workflow', '@temporalio/common'],
    node: false,
  },
  results: { rooms: [...below, 'net'], packages: '*', node: true },
  api: {
    rooms: [...below, 'codec', 'intake', 'schedules', 'workflows', 'activities', 'config'],
    packages: '*',
    node: true,
  },
  workers: {
    rooms: [...below, 'codec', 'intake', 'net', 'results', 'schedules', 'workflows', 'activities', 'config'],
    packages: '*',
    node: true,
  },
  cli: {
    rooms: [...below, 'config'],
    // The demo starts the servers of its storages.
    files: ['api/contract.ts', 'api/client.ts', 'workflows/messages.ts', ...DEMO_SERVERS],
    types: ['workflows', 'activities'],
    packages: '*',
    node: true,
  },
};

/** Files that workflow code loads from rooms closed to it: at run time they may load domain and each other, nothing else. */
export const CONTRACTS = ['ledger/types.ts', 'activities/types.ts'];

/** Imports that point the wrong way. `dependencies`: the packages that the product may load. */
export function importFaults(files: readonly SourceFile[], dependencies: readonly string[]): Fault[] {
  return files.flatMap((file) => {
    const room = file.path.split('/')[0] ?? '';
    const rule = ROOMS[room];
    if (rule === undefined || !/\.[cm]?tsx?$/.test(file.path) || !file.path.includes('/')) return [];
    return importsOf(file).flatMap((one) => {
      const reason = refusal(file.path, room, rule, one, dependencies);
      return reason === undefined ? [] : [{ file: file.path, line: one.line, text: reason }];
    });
  });
}

function refusal(
  file: string,
  room: string,
  rule: Rule,
  one: Import,
  dependencies: readonly string[],
): string | undefined {
  const { target, kind, typeOnly } = one;
  if (kind === 'node')
    return rule.node ? undefined : `${room} must not import ${target}: it has no place for Node's modules`;
  if (kind === 'package') {
    if (rule.packages !== '*' && !rule.packages.includes(target))
      return `${room} must not import the package ${target}`;
    if (typeOnly || rule.packages !== '*' || dependencies.includes(target)) return undefined;
    return `the package ${target} is not among the dependencies of package.json`;
  }
  if (CONTRACTS.includes(file) && !typeOnly && !CONTRACTS.includes(target) && !target.startsWith('domain/')) {
    return `${file} is loaded by workflow code: it must not load ${target} (a type import may be meant)`;
  }
  const other = target.split('/')[0] ?? '';
  if (other === room || rule.rooms?.includes(other) || rule.files?.includes(target)) return undefined;
  const asType = rule.types?.some((allowed) => allowed === other || allowed === target) ?? false;
  if (asType) return typeOnly ? undefined : `${room} may import types of ${target} only: write import type`;
  return `${room} must not import ${target}: imports point the other way`;
}

const FROM =
  /^[ \t]*(?:import|export)\s+(type\s+)?((?:[\w$]+\s*,?\s*)?(?:\{[^}]*\}|\*(?:\s+as\s+[\w$]+)?)?)\s*\bfrom\s+['"]([^'"\n]+)['"]/gm;
const BARE = /^[ \t]*import\s+['"]([^'"\n]+)['"]/gm;
const DYNAMIC = /(\btypeof\s+)?\bimport\(\s*['"]([^'"\n]+)['"]\s*\)/g;

/** The imports and re-exports of a file, static and dynamic. */
export function importsOf(file: SourceFile): Import[] {
  const { text } = file;
  const found: { specifier: string; typeOnly: boolean; index: number }[] = [];
  for (const match of text.matchAll(FROM)) {
    found.push({
      specifier: match[3] ?? '',
      typeOnly: match[1] !== undefined || onlyTypes(match[2] ?? ''),
      index: match.index,
    });
  }
  for (const match of text.matchAll(BARE))
    found.push({ specifier: match[1] ?? '', typeOnly: false, index: match.index });
  for (const match of text.matchAll(DYNAMIC)) {
    found.push({ specifier: match[2] ?? '', typeOnly: match[1] !== undefined, index: match.index });
  }
  return found.map(({ specifier, typeOnly, index }) => ({
    ...locate(file.path, specifier),
    typeOnly,
    line: lineAt(text, index),
  }));
}

/** `{ type A, type B }`: each name says that it is a type. */
function onlyTypes(clause: string): boolean {
  const [, names] = /^\{([\s\S]*)\}$/.exec(clause.trim()) ?? [];
  const parts = (names ?? '').split(',').map((part) => part.trim());
  return (
    names !== undefined &&
    parts.every((part) => part === '' || part.startsWith('type ')) &&
    parts.some((part) => part !== '')
  );
}

function locate(file: string, specifier: string): Pick<Import, 'target' | 'kind'> {
  if (specifier.startsWith('.')) return { target: path.posix.join(path.posix.dirname(file), specifier), kind: 'file' };
  if (specifier.startsWith('node:') || builtinModules.includes(specifier)) return { target: specifier, kind: 'node' };
  const parts = specifier.split('/');
  return { target: specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier), kind: 'package' };
}
