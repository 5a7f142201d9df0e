import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { enrolmentToken, LEAST_TOKEN, mayEnrol } from '../../api/auth/enrolment.ts';
import { type HmacRules, SKEW_SECONDS, signature, signRequest, verifyRequest } from '../../api/auth/hmac.ts';
import { parseHmacHeader } from '../../api/auth/hmac-header.ts';
import { findPair, type HmacPairs, newPair, rotatedPairs } from '../../api/auth/hmac-keys.ts';
import { createMemoryNonces, createNonces } from '../../api/auth/nonces.ts';
import { openRedisLink, type RedisLink } from '../../status/redis-link.ts';
import { startValkey, type ValkeyServer } from '../support/valkey.ts';

const NOW = 1_700_000_000;
const KEY = { id: 'kid1', secret: 'c2VjcmV0' };
const POST = { method: 'post', target: '/dsx-connect/api/v1/scan/request?x=1', body: Buffer.from('{"a":1}') };
const GET = { method: 'GET', target: '/fs-connector/config', body: Buffer.alloc(0) };
const PARAMS = { seed: 20_261_123, numRuns: 300 };

function rules(nonces = createMemoryNonces(), now = NOW): HmacRules {
  return {
    find: async (id) => (id === KEY.id ? { secret: KEY.secret, owner: 'one' } : undefined),
    nonces,
    now: () => now,
  };
}
async function codeOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => 'accepted',
    (error: { code: string }) => error.code,
  );
}

test('signs as the connectors of the former product do', () => {
  expect(signature(KEY.secret, POST, String(NOW), 'bm9uY2U=')).toBe('ESPVjlDfBHRFoeuIkp5EY6ukzv8OgxfZoHv3eLDaWCY=');
  expect(signature(KEY.secret, GET, String(NOW), 'bm9uY2U=')).toBe('uv0I8nbO6SMQbLh5cEnyPJe3iHkUbq3AOCEYn1KGUmM=');
  expect(signRequest(GET, KEY, NOW, 'bm9uY2U=')).toBe(
    'DSX-HMAC key_id=kid1, ts=1700000000, nonce=bm9uY2U=, sig=uv0I8nbO6SMQbLh5cEnyPJe3iHkUbq3AOCEYn1KGUmM=',
  );
});

test('what was signed is accepted once', async () => {
  const header = signRequest(POST, KEY, NOW, 'bm9uY2U=');
  const one = rules();
  expect(await verifyRequest(header, POST, one, 'one')).toEqual({ owner: 'one', keyId: 'kid1' });
  expect(await codeOf(verifyRequest(header, POST, one))).toBe('replayed');
  expect(await codeOf(verifyRequest(signRequest(POST, KEY, NOW, 'b3RoZXI='), POST, one))).toBe('accepted');
});

test.each([
  [-SKEW_SECONDS - 1, 'stale_request'],
  [-SKEW_SECONDS, 'accepted'],
  [SKEW_SECONDS, 'accepted'],
  [SKEW_SECONDS + 1, 'stale_request'],
])('a clock that is %i s off: %s', async (off, code) => {
  expect(await codeOf(verifyRequest(signRequest(GET, KEY, NOW + off, 'bm9uY2U='), GET, rules()))).toBe(code);
});

test('a nonce is remembered for as long as its request could come again', async () => {
  let now = NOW - SKEW_SECONDS;
  const nonces = createMemoryNonces(10, () => now * 1000);
  const at = () => ({ ...rules(nonces), now: () => now });
  const header = signRequest(GET, KEY, NOW, 'bm9uY2U=');
  expect(await codeOf(verifyRequest(header, GET, at()))).toBe('accepted');
  for (; now <= NOW + SKEW_SECONDS; now++) expect(await codeOf(verifyRequest(header, GET, at()))).toBe('replayed');
  expect(await codeOf(verifyRequest(header, GET, at()))).toBe('stale_request');
});

describe('is refused:', () => {
  const header = signRequest(POST, KEY, NOW, 'bm9uY2U=');
  test.each([
    ['another method', header, { ...POST, method: 'PUT' }],
    ['another path', header, { ...POST, target: '/dsx-connect/api/v1/scan/other?x=1' }],
    ['another query', header, { ...POST, target: '/dsx-connect/api/v1/scan/request?x=2' }],
    ['a decoded path', signRequest({ ...GET, target: '/a%20b' }, KEY, NOW, 'bm9uY2U='), { ...GET, target: '/a b' }],
    ['another body', header, { ...POST, body: Buffer.from('{"a":2}') }],
    ['another time', header.replace('1700000000', '1700000001'), POST],
    ['another nonce', header.replace('bm9uY2U=', 'bm9uY2V='), POST],
    ['another secret', signRequest(POST, { id: 'kid1', secret: 'c2VjcmV1' }, NOW, 'bm9uY2U='), POST],
  ])('%s', async (_, sent, request) => {
    expect(await codeOf(verifyRequest(sent, request, rules()))).toBe('bad_signature');
  });

  test('a key that nobody has', async () => {
    const sent = signRequest(POST, { ...KEY, id: 'kid2' }, NOW, 'bm9uY2U=');
    expect(await codeOf(verifyRequest(sent, POST, rules()))).toBe('unknown_key_id');
  });

  test('a request about another connector, which uses up no nonce', async () => {
    const one = rules();
    expect(await codeOf(verifyRequest(header, POST, one, 'two'))).toBe('foreign_connector');
    expect(await codeOf(verifyRequest(header, POST, one, 'one'))).toBe('accepted');
  });

  test.each([
    [undefined, 'missing_hmac'],
    ['', 'missing_hmac'],
    ['Bearer x', 'missing_hmac'],
    ['DSX-HMAC ', 'malformed_hmac'],
    ['DSX-HMAC ts=1, nonce=a, sig=b', 'missing_key_id'],
    ['DSX-HMAC key_id=, ts=1, nonce=a, sig=b', 'missing_key_id'],
    ['DSX-HMAC key_id=kid1, ts=1e9, nonce=a, sig=b', 'malformed_hmac'],
    [header.replace('sig=', 'sig=A'), 'malformed_hmac'],
    [`${header}, ts=1700000000`, 'malformed_hmac'],
    [`${header}${' '.repeat(2_000)}`, 'malformed_hmac'],
  ])('the header %j', async (sent, code) => {
    expect(await codeOf(verifyRequest(sent, POST, rules()))).toBe(code);
  });
});

test('no header makes it fail but by a code of its own', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), async (rest) => {
      expect(await codeOf(verifyRequest(`DSX-HMAC ${rest}`, POST, rules()))).toMatch(/hmac|key_id/);
    }),
    PARAMS,
  );
});

test('a signature is good for one request alone', async () => {
  const request = fc.record({
    method: fc.constantFrom('GET', 'POST', 'PUT'),
    target: fc.string().map((text) => `/${encodeURIComponent(text)}`),
    body: fc.uint8Array(),
  });
  await fc.assert(
    fc.asyncProperty(request, request, async (one, other) => {
      const header = signRequest(one, KEY, NOW, 'bm9uY2U=');
      expect(parseHmacHeader(header)).toMatchObject({ keyId: 'kid1', ts: String(NOW), nonce: 'bm9uY2U=' });
      expect(await codeOf(verifyRequest(header, one, rules()))).toBe('accepted');
      const same =
        one.method === other.method && one.target === other.target && Buffer.from(one.body).equals(other.body);
      expect(await codeOf(verifyRequest(header, other, rules()))).toBe(same ? 'accepted' : 'bad_signature');
    }),
    PARAMS,
  );
});

test('two keys count while one takes the place of the other, and never three', () => {
  const first: HmacPairs = { owner: 'one', pairs: [newPair()] };
  const second = rotatedPairs(first, newPair(), 600, NOW);
  const third = rotatedPairs(second, newPair(), 600, NOW + 1);
  const [a, b, c] = [first, second, third].map(({ pairs }) => pairs[0]?.id ?? '');
  const live = (pairs: HmacPairs, now: number) => [a, b, c].map((id) => findPair([pairs], id ?? '', now) !== undefined);
  expect(live(second, NOW + 599)).toEqual([true, true, false]);
  expect(live(second, NOW + 600)).toEqual([false, true, false]);
  expect(live(third, NOW + 1)).toEqual([false, true, true]);
  expect(live(rotatedPairs(first, { ...newPair() }, 0, NOW), NOW)).toEqual([false, false, false]);
});

test('a full memory lets nothing in, and forgets what is over', async () => {
  let now = 0;
  const nonces = createMemoryNonces(2, () => now);
  expect([await nonces.take('a', 1), await nonces.take('b', 1), await nonces.take('c', 1)]).toEqual([
    'new',
    'new',
    'full',
  ]);
  now = 1_000;
  expect([await nonces.take('c', 1), await nonces.take('c', 1)]).toEqual(['new', 'seen']);
});

describe('with Redis', () => {
  let server: ValkeyServer;
  let link: RedisLink;
  beforeAll(async () => {
    server = await startValkey();
    link = await openRedisLink(server.url, { commandTimeoutMs: 1_000, connectTimeoutMs: 5_000, say: () => undefined });
  });
  afterAll(async () => {
    await link.close();
    await server.stop();
  });

  test('a nonce that another process took is seen, and without Redis its own memory still holds', async () => {
    const [one, two] = [1, 2].map(() => createNonces((words) => link.command(words)));
    expect([await one?.take('x', 60), await two?.take('x', 60), await one?.take('x', 60)]).toEqual([
      'new',
      'seen',
      'seen',
    ]);
    expect(Number(await link.command(['TTL', 'dsx:nonce:x']))).toBeGreaterThan(50);
    await server.stop();
    expect([await one?.take('y', 60), await one?.take('y', 60)]).toEqual(['new', 'seen']);
  });
});

test('an enrolment token lets in only whole, and only when it is no example', () => {
  const token = 'a'.repeat(LEAST_TOKEN);
  expect(mayEnrol(token, ['other'.repeat(4), token])).toBe(true);
  for (const given of [undefined, '', token.slice(1), `${token}a`, token.toUpperCase()]) {
    expect(mayEnrol(given, [token])).toBe(false);
  }
  expect(mayEnrol('dev-enroll', ['dev-enroll'])).toBe(false);
  expect(mayEnrol(token, [])).toBe(false);
  expect(enrolmentToken({ 'x-enrollment-token': 'a', authorization: 'Bearer b' })).toBe('a');
  expect(enrolmentToken({ authorization: 'Bearer b' })).toBe('b');
  expect(enrolmentToken({ authorization: 'Basic b' })).toBeUndefined();
});
