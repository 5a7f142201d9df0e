import type { Route } from './route.ts';

interface Tag {
  readonly name: string;
  readonly description: string;
  /** First words of paths. */
  readonly words: readonly string[];
}

/** How the description of the API is divided, in this order. */
const TAGS: readonly Tag[] = [
  { name: 'jobs', description: 'Scans: start, look at, steer, retry.', words: ['jobs', 'scan'] },
  {
    name: 'findings',
    description: 'What was found, and what is allowed.',
    words: ['findings', 'quarantine', 'allowed'],
  },
  { name: 'approvals', description: 'Item actions that wait for somebody.', words: ['approvals'] },
  { name: 'connectors', description: 'Storages, and folders that are no connector.', words: ['connectors', 'folders'] },
  { name: 'schedules', description: 'Scans at set times.', words: ['schedules'] },
  { name: 'events', description: 'What happens as it happens, and where sources of events call.', words: ['events'] },
  { name: 'access', description: 'Keys, and who did what.', words: ['keys', 'audit'] },
  {
    name: 'server',
    description: 'The server itself, and what it depends on.',
    words: ['healthz', 'readyz', 'version', 'meta', 'test', 'openapi.json', 'docs'],
  },
];
const REMOTE: Omit<Tag, 'words'> = {
  name: 'remote connectors',
  description: 'What connectors that register by themselves call, signed with their keys.',
};
const FORMER: Omit<Tag, 'words'> = {
  name: 'former product',
  description: 'Routes of the former product, for its clients. New clients need none of them.',
};

/** Where a route stands in the description. */
export function tagOf({ path, old, role }: Pick<Route, 'path' | 'old' | 'role'>): string {
  const word = path.split('/')[1] ?? '';
  if (old) return role === 'signed' ? REMOTE.name : FORMER.name;
  return TAGS.find(({ words }) => words.includes(word))?.name ?? word;
}

/** The parts of the description that these routes need, with what is in them. */
export function tagsOf(routes: readonly Route[]): { name: string; description?: string }[] {
  const known = [...TAGS, REMOTE, FORMER].map(({ name, description }) => ({ name, description }));
  const used = new Set(routes.map(tagOf));
  const others = [...used].filter((name) => !known.some((tag) => tag.name === name)).map((name) => ({ name }));
  return [...known.filter(({ name }) => used.has(name)), ...others];
}
