import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { SECRET_FIELDS } from '../../config/connectors/connectors.ts';
import { ENVIRONMENT, variableRow } from '../../config/environment.ts';
import { loadConfigFile } from '../../config/file.ts';
import { readYaml } from '../../config/yaml.ts';

const page = readFileSync(path.join(import.meta.dirname, '../../docs/configuration.md'), 'utf8');

describe('docs/configuration.md', () => {
  it('lists exactly the variables that there are, in their order', () => {
    const rows = page.split('\n').filter((line) => /^\| `[A-Z][A-Z0-9_]+` \|/.test(line));
    expect(rows).toEqual(ENVIRONMENT.map(variableRow));
  });

  it('has an example that is accepted, with every field that the table has', () => {
    const [, example = ''] = /```yaml\n(connectors:[\s\S]*?)```/.exec(page) ?? [];
    const folder = mkdtempSync(path.join(os.tmpdir(), 'dsx-docs-'));
    try {
      const file = path.join(folder, 'dsx-connect.yaml');
      writeFileSync(file, example);
      const { config, problems } = loadConfigFile(file, {}, () => false);
      expect(problems).toEqual([]);
      expect(config.connectors).toHaveLength(1);
      const yaml = readYaml(file, {}, SECRET_FIELDS);
      const told = [...page.matchAll(/^\| `(connectors\[\]|scanner)\.(\w+)` \|/gm)].map(([, where, field]) =>
        where === 'scanner' ? ['scanner', field] : ['connectors', 0, field],
      );
      expect(told).toHaveLength(17);
      for (const field of told) expect('has' in yaml && yaml.has(field as string[]), field.join('.')).toBe(true);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
