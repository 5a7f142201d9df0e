import { describe, expect, it } from 'vitest';
import type { SourceFile } from '../../scripts/checks/check.ts';
import { importFaults, importsOf } from '../../scripts/checks/imports.ts';

const file = (path: string, text: string): SourceFile => ({ path, text });
const faults = (path: string, text: string) =>
  importFaults([file(path, text)], ['undici', '@temporalio/workflow', 'zod']);

describe('imports of a file', () => {
  it('finds every form, with its line and whether it vanishes', () => {
    const text = [
      "import a from './a.ts';",
      "import type { B } from '../b.ts';",
      'import {',
      '  type C,',
      '  type D,',
      "} from './c.ts';",
      "import { type E, f } from 'undici/types';",
      "import './g.ts';",
      "export * from './h.ts';",
      "export type { I } from '@scope/pkg/deep';",
      "const j = await import('node:fs');",
      "type K = typeof import('./k.ts');",
      "const from = 'nowhere';",
      'export interface L {}',
      "export type { M } from './m.ts';",
      "import n, { type O } from './n.ts';",
      "import * as p from './p.ts';",
      "export * as q from './q.ts';",
      "// import r from './r.ts';",
    ].join('\n');
    expect(importsOf(file('room/x.ts', text)).sort((a, b) => a.line - b.line)).toEqual([
      { target: 'room/a.ts', kind: 'file', typeOnly: false, line: 1 },
      { target: 'b.ts', kind: 'file', typeOnly: true, line: 2 },
      { target: 'room/c.ts', kind: 'file', typeOnly: true, line: 3 },
      { target: 'undici', kind: 'package', typeOnly: false, line: 7 },
      { target: 'room/g.ts', kind: 'file', typeOnly: false, line: 8 },
      { target: 'room/h.ts', kind: 'file', typeOnly: false, line: 9 },
      { target: '@scope/pkg', kind: 'package', typeOnly: true, line: 10 },
      { target: 'node:fs', kind: 'node', typeOnly: false, line: 11 },
      { target: 'room/k.ts', kind: 'file', typeOnly: true, line: 12 },
      { target: 'room/m.ts', kind: 'file', typeOnly: true, line: 15 },
      { target: 'room/n.ts', kind: 'file', typeOnly: false, line: 16 },
      { target: 'room/p.ts', kind: 'file', typeOnly: false, line: 17 },
      { target: 'room/q.ts', kind: 'file', typeOnly: false, line: 18 },
    ]);
  });
});

describe('the direction of imports', () => {
  const refused: readonly [string, string][] = [
    ['domain/x.ts', "import { a } from '../ledger/types.ts';"],
    ['domain/x.ts', "import type { A } from '../ledger/types.ts';"],
    ['domain/x.ts', "import fs from 'node:fs';"],
    ['domain/x.ts', "import fs from 'fs';"],
    ['domain/x.ts', "import { z } from 'zod';"],
    ['domain/filter/x.ts', "export * from '../../config/worker.ts';"],
    ['connectors/files/x.ts', "import { a } from '../../scanner/client.ts';"],
    ['scanner/x.ts', "import { a } from '../config/worker.ts';"],
    ['ledger/x.ts', "import type { A } from '../status/status.ts';"],
    ['status/x.ts', "import { a } from '../activities/a.ts';"],
    ['config/x.ts', "import { a } from '../connectors/registry.ts';"],
    ['config/x.ts', "import { a } from '../connectors/graph/settings.ts';"],
    ['config/x.ts', "import { a } from 'undici';"],
    ['activities/x.ts', "import { a } from '../workflows/full-scan.ts';"],
    ['activities/x.ts', "import { a } from '../config/worker.ts';"],
    ['workflows/x.ts', "import fs from 'node:fs';"],
    ['workflows/x.ts', "import type { Stats } from 'node:fs';"],
    ['workflows/x.ts', "import { request } from 'undici';"],
    ['workflows/x.ts', "import { Client } from '@temporalio/client';"],
    ['workflows/x.ts', "import { planPages } from '../activities/plan-pages.ts';"],
    ['workflows/x.ts', "import { write } from '../ledger/ledger.ts';"],
    ['workflows/x.ts', "const a = await import('../scanner/client.ts');"],
    ['activities/types.ts', "import { write } from '../ledger/ledger.ts';"],
    ['activities/types.ts', "import { other } from './plan-pages.ts';"],
    ['cli/x.ts', "import { a } from '../activities/plan-pages.ts';"],
    ['cli/x.ts', "import { a } from '../workflows/full-scan.ts';"],
    ['cli/x.ts', "import { a } from '../api/server.ts';"],
    ['cli/x.ts', "import { a } from '../workers/main.ts';"],
    ['api/x.ts', "import { a } from '../cli/main.ts';"],
    ['workers/x.ts', "import { a } from '../api/server.ts';"],
    ['api/x.ts', "import { a } from '../test/helper.ts';"],
    ['api/x.ts', "import { a } from 'fast-check';"],
  ];
  it.each(refused)('%s: %s is refused', (path, text) => {
    expect(faults(path, `// first line\n${text}\n`)).toMatchObject([{ file: path, line: 2 }]);
  });

  const allowed: readonly [string, string][] = [
    ['domain/x.ts', "import { a } from './filter/filter.ts';"],
    ['scanner/x.ts', "import { request } from 'undici'; import fs from 'node:fs';"],
    ['config/x.ts', "import { z } from 'zod';"],
    ['config/x.ts', "import type { A } from '../connectors/graph/settings.ts';"],
    ['config/x.ts', "import { parseAssetUrl } from '../connectors/graph/asset-url.ts';"],
    ['activities/x.ts', "import { write } from '../ledger/ledger.ts';"],
    ['activities/x.ts', "import type { StartRequest } from '../workflows/messages.ts';"],
    ['workflows/x.ts', "import type { PlanPages } from '../activities/plan-pages.ts';"],
    ['workflows/x.ts', "import { FAILURE } from '../activities/types.ts';"],
    ['workflows/x.ts', "import { proxyActivities } from '@temporalio/workflow';"],
    ['workflows/x.ts', "import { isFinal } from '../domain/job.ts';"],
    ['activities/types.ts', "import { OUTCOMES } from '../domain/outcome.ts';"],
    ['cli/x.ts', "import { WORKFLOW } from '../workflows/messages.ts';"],
    ['cli/x.ts', "import type { A } from '../api/contract.ts';"],
    ['api/x.ts', "import type { A } from 'a-dev-package';"],
    ['test/x.ts', "import { a } from '../cli/main.ts';"],
    ['bench/x.ts', "import fc from 'fast-check';"],
    ['scripts/x.ts', "import { a } from '../api/server.ts';"],
    ['vitest.config.ts', "import { a } from 'vitest/config';"],
    ['domain/notes.md', "import fs from 'node:fs';"],
  ];
  it.each(allowed)('%s: %s is fine', (path, text) => {
    expect(faults(path, text)).toEqual([]);
  });
});
