import { expect, it } from 'vitest';
import { ConfigError } from '../../config/errors.ts';
import { loadWorkerConfig } from '../../config/worker.ts';

const KEY = Buffer.alloc(32, 1).toString('base64');
const OTHER = Buffer.alloc(32, 2).toString('base64');

function keys(text: string) {
  return loadWorkerConfig({ HOME: '/nowhere', DSXCONNECT_CODEC_KEYS: text }).temporal.codecKeys;
}

it('reads keys in their order, and never shows them', () => {
  const found = keys(`2026-b:${OTHER},2026-a:${KEY}`);
  expect(found.map(({ id, key }) => [id, key.reveal()])).toEqual([
    ['2026-b', OTHER],
    ['2026-a', KEY],
  ]);
  expect(JSON.stringify(found)).not.toContain(KEY);
});

it.each([
  ['', `a:${KEY}x`, 'must be id:key'],
  ['', 'a:c2hvcnQ=', 'must have 32 bytes'],
  ['', KEY, 'must be id:key'],
  ['', `a:${KEY},a:${OTHER}`, 'a key a already'],
  ['', '# none', 'holds no key'],
])('refuses %s%s', (_, text, why) => {
  try {
    keys(text);
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    const { message } = error as ConfigError;
    expect(message).toContain(why);
    expect(message).not.toContain(KEY);
  }
});
