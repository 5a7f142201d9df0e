import type { Fault } from './check.ts';

export interface PackageJson {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
export interface LockFile {
  readonly packages?: Readonly<
    Record<string, { readonly version?: string; readonly resolved?: string; readonly integrity?: string }>
  >;
}

const EXACT = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;

/** Dependencies that are named by a range, a tag or an address instead of one version. */
export function versionFaults(manifest: PackageJson): Fault[] {
  const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
  return Object.entries(all)
    .filter(([, version]) => !EXACT.test(version))
    .map(([name, version]) => ({ file: 'package.json', text: `${name} is ${version}; name one exact version` }));
}

/** Temporal's packages must be there once each, all in one version: two copies do not know each other's classes. */
export function temporalFaults(lock: LockFile): Fault[] {
  const places = new Map<string, string[]>();
  const versions = new Set<string>();
  for (const [place, { version }] of Object.entries(lock.packages ?? {})) {
    const [, name] = /(?:^|\/)node_modules\/(@temporalio\/[^/]+)$/.exec(place) ?? [];
    if (name === undefined) continue;
    places.set(name, [...(places.get(name) ?? []), place]);
    versions.add(version ?? 'no version');
  }
  const file = 'package-lock.json';
  if (places.size === 0) return [{ file, text: 'holds no package of @temporalio' }];
  const twice = [...places].filter(([, where]) => where.length > 1);
  const faults: Fault[] = twice.map(([name, where]) => ({
    file,
    text: `${name} is there ${where.length} times: ${where.join(', ')}`,
  }));
  if (versions.size > 1)
    faults.push({ file, text: `the packages of @temporalio have ${[...versions].join(' and ')}; use one version` });
  return faults;
}
