import { expect, test } from 'vitest';
import type { ConnectorSettings } from '../../config/connectors/settings.ts';
import { reservedPlaces } from '../../workers/reserved-places.ts';

type S3 = Extract<ConnectorSettings, { kind: 'aws_s3' }>;

function s3(id: string, assets: string[], quarantine: string, endpoint?: string): S3 {
  const storage = { assets, access: { kind: 'default' }, ...(endpoint !== undefined && { endpoint }) } as const;
  return { id, kind: 'aws_s3', asset: assets.join(), quarantine, filter: '', action: 'move', storage };
}

test('quarantines of all connectors on the same storage hold no items', () => {
  const one = s3('one', ['data/in', 's3://more'], 'away');
  const two = s3('two', ['data'], 's3://kept/below/');
  const far = s3('far', ['data'], 'elsewhere', 'https://other.example');
  expect(reservedPlaces(two, [one, two, far])).toEqual([
    { bucket: 'data', prefix: 'away/' },
    { bucket: 'more', prefix: 'away/' },
    { bucket: 'kept', prefix: 'below/' },
  ]);
  expect(reservedPlaces(far, [one, two, far])).toEqual([{ bucket: 'data', prefix: 'elsewhere/' }]);
});

test('a connector that is meant to look into a quarantine may', () => {
  const one = s3('one', ['data'], 'away');
  const audit = s3('audit', ['data/away/job-1'], 's3://other/q');
  expect(reservedPlaces(audit, [one, audit])).toEqual([{ bucket: 'other', prefix: 'q/' }]);
});
