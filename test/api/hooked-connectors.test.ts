import { expect, it } from 'vitest';
import { hookedNow } from '../../api/hooked-connectors.ts';
import { connectorFrom } from '../../config/connectors/definition.ts';
import type { ConnectorSettings } from '../../config/connectors/settings.ts';
import { Secret } from '../../config/secret.ts';

const secrets = { DSX_SECRET_HOOK: new Secret(Buffer.alloc(32, 7).toString('base64')) };

function connector(id: string, asset: string, secret = 'DSX_SECRET_HOOK'): ConnectorSettings {
  const watch = { webhook: [{ source: 'signed', secret: `\${${secret}}` }] };
  const read = connectorFrom({ id, kind: 'aws_s3', asset, watch }, { secrets, allowed: [], local: false });
  return 'connector' in read ? read.connector : expect.fail(JSON.stringify(read));
}

it('hears every connector that can be heard, whatever is wrong with another', () => {
  const said: string[] = [];
  const sound = connector('odd', 'uploads');
  const odd = sound.kind === 'aws_s3' ? { ...sound, storage: { ...sound.storage, assets: ['-'] } } : expect.fail();
  let all: readonly ConnectorSettings[] = [
    odd,
    connector('one', 'uploads'),
    connector('mute', 'uploads', 'DSX_SECRET_NONE'),
  ];
  const hooked = hookedNow(
    () => all,
    (problem) => said.push(problem),
  );
  expect(hooked().map(({ id }) => id)).toEqual(['one']);
  const [one] = hooked();
  all = [...all, connector('two', 'other')];
  expect(hooked().map(({ id }) => id)).toEqual(['one', 'two']);
  expect(hooked()[0]).toBe(one);
  expect(said).toEqual([expect.stringMatching(/^webhooks of odd are not heard: .* is no bucket and prefix/)]);
});
