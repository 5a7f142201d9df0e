import { expect, test } from 'vitest';
import { rolesTable, writtenTable } from '../../scripts/roles-table.ts';

test('docs/security.md says of every route who may ask (node scripts/roles-table.ts writes it)', () => {
  expect(writtenTable()).toBe(rolesTable());
});
