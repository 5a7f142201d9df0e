import type { ListScope } from '../connectors/connector.ts';
import { parseFilter } from '../domain/filter/filter.ts';
import type { ListSettings } from '../domain/preview.ts';

/** What a listing leaves out, by a job's settings. */
export function scopeOf({ filter: text, maxSize }: ListSettings): ListScope {
  const filter = parseFilter(text);
  return {
    includes: (location) => filter.includes(location),
    mayEnter: (folder) => filter.mayEnter(folder),
    ...(maxSize !== undefined && { maxSize }),
  };
}
