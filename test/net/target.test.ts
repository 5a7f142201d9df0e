import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { fetch, request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { placeOf } from '../../net/address.ts';
import { type AllowedTarget, parseAllowed } from '../../net/allowed.ts';
import { createGuardedAgent, type Resolve } from '../../net/guarded-agent.ts';
import { checkTarget } from '../../net/target.ts';

const PARAMS = { seed: 20_261_123, numRuns: 500 };
const allow = (...entries: string[]): AllowedTarget[] => entries.flatMap((entry) => parseAllowed(entry) ?? []);
function codeOf(text: string, ...allowed: string[]): string {
  try {
    checkTarget(text, allow(...allowed));
    return 'fine';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

/** First and last byte-wise neighbours of what is not public. */
const CLOSED = ['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12']
  .concat(['192.0.0.0/24', '192.0.2.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24'])
  .concat(['203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4']);
const dotted = (n: number): string => [24, 16, 8, 0].map((shift) => (n >>> shift) & 255).join('.');
const inside = fc.constantFrom(...CLOSED).chain((cidr) => {
  const [base = '', bits] = cidr.split('/');
  const first = base.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
  return fc.integer({ min: 0, max: 2 ** (32 - Number(bits)) - 1 }).map((more) => first + more);
});
const hex = (n: number): string => `${(n >>> 16).toString(16)}:${(n & 0xffff).toString(16)}`;

test('no address of a closed range is public, in whatever form', () => {
  fc.assert(
    fc.property(inside, (n) => {
      const forms = [
        dotted(n),
        `::ffff:${dotted(n)}`,
        `::ffff:${hex(n)}`,
        `0:0:0:0:0:ffff:${hex(n)}`,
        `::ffff:0:${hex(n)}`,
        `::${hex(n)}`,
        `::${dotted(n)}`,
        `64:ff9b::${hex(n)}`,
        `64:ff9b:1::${hex(n)}`,
        `2002:${hex(n)}::1`,
        `2001:0:${hex(n)}::1`,
      ];
      for (const form of forms) expect(placeOf(form), form).not.toBe('public');
    }),
    PARAMS,
  );
});

test('no URL leads to a closed range, in whatever spelling', () => {
  fc.assert(
    fc.property(inside, (n) => {
      const bytes = dotted(n).split('.').map(Number);
      const spellings = [
        dotted(n),
        String(n),
        `0x${n.toString(16)}`,
        `0${n.toString(8)}`,
        bytes.map((byte) => `0${byte.toString(8)}`).join('.'),
        bytes.map((byte) => `0x${byte.toString(16)}`).join('.'),
        `${bytes[0]}.${n & 0xffffff}`,
        `${dotted(n)}.`,
        dotted(n).replaceAll('.', '。'),
        `[::ffff:${dotted(n)}]`,
        `[64:ff9b::${hex(n)}]`,
        `[2002:${hex(n)}::]`,
      ];
      for (const host of spellings) {
        for (const url of [`https://${host}/`, `https://${host}:8443/a?b`, `http://${host}/`]) {
          expect(['address_refused', 'url_invalid'], url).toContain(codeOf(url));
        }
      }
    }),
    PARAMS,
  );
});

test('of IPv6 nothing is public but what is given to anybody', () => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      const first = Number.parseInt(text.split(':')[0] || '0', 16);
      if (placeOf(text) === 'public' && !text.startsWith('64:ff9b') && !text.includes('ffff')) {
        expect(first >= 0x2000 && first < 0x4000).toBe(true);
      }
    }),
    PARAMS,
  );
});

test.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '64:ff9b::808:808', '::ffff:8.8.8.8'])(
  '%s is public',
  (address) => expect(placeOf(address)).toBe('public'),
);

test.each([
  ['169.254.169.254', 'metadata'],
  ['168.63.129.16', 'metadata'],
  ['fd00:ec2::254', 'metadata'],
  ['fd00:0ec2:0:0::254', 'metadata'],
  ['::ffff:169.254.169.254', 'metadata'],
  ['64:ff9b::a9fe:a9fe', 'metadata'],
  ['fe80::1', 'link_local'],
  ['fe80::1%eth0', 'special'],
  ['fec0::1', 'private'],
  ['ff02::1', 'multicast'],
  ['::1', 'loopback'],
  ['::', 'special'],
  ['::8.8.8.8', 'special'],
  ['2001:db8::1', 'special'],
  ['4000::1', 'special'],
  ['010.0.0.1', 'special'],
  ['127.1', 'special'],
  ['', 'special'],
])('%j is %s', (address, place) => expect(placeOf(address)).toBe(place));

test.each([
  ['https://example.com/hook', 'fine'],
  ['https://8.8.8.8/', 'fine'],
  ['https://[2606:4700::1111]/', 'fine'],
  ['http://example.com/', 'scheme_refused'],
  ['ftp://example.com/', 'scheme_refused'],
  ['file:///etc/passwd', 'url_invalid'],
  ['javascript:alert(1)', 'url_invalid'],
  ['https://', 'url_invalid'],
  ['example.com', 'url_invalid'],
  ['', 'url_invalid'],
  ['https://user@example.com/', 'userinfo_refused'],
  ['https://:pass@example.com/', 'userinfo_refused'],
  ['https://@example.com/', 'userinfo_refused'],
  ['https://example.com@10.0.0.1/', 'userinfo_refused'],
  ['https://localhost/', 'address_refused'],
  ['https://LOCALHOST./', 'address_refused'],
  ['https://metadata.google.internal/', 'address_refused'],
  ['https://redis:6379/', 'address_refused'],
  ['https://169.254.169.254/latest/meta-data/', 'address_refused'],
])('%j: %s', (url, code) => expect(codeOf(url)).toBe(code));

describe('what is allowed', () => {
  test.each([
    ['https://10.1.2.3/', '10.1.0.0/16', 'fine'],
    ['http://10.1.2.3/', '10.1.0.0/16', 'fine'],
    ['https://10.2.2.3/', '10.1.0.0/16', 'address_refused'],
    ['https://[::ffff:a01:203]/', '10.1.0.0/16', 'fine'],
    ['https://[fd12::5]/', 'fd12::/64', 'fine'],
    ['http://storage.corp.example/', 'storage.corp.example', 'fine'],
    ['http://a.corp.example/', '.corp.example', 'fine'],
    ['http://evilcorp.example/', '.corp.example', 'scheme_refused'],
    ['http://corp.example.evil.com/', 'corp.example', 'scheme_refused'],
    ['https://scanner/', 'scanner', 'fine'],
    ['https://169.254.169.254/', '169.254.0.0/16', 'address_refused'],
    ['https://169.254.169.254/', '0.0.0.0/0', 'address_refused'],
    ['https://169.254.169.254/', '169.254.169.254', 'fine'],
  ])('%s with %s: %s', (url, entry, code) => expect(codeOf(url, entry)).toBe(code));

  test.each([
    '',
    '10.0.0.0/33',
    '10.0.0/8',
    '010.0.0.1',
    'http://x',
    'a b',
    '*.x',
    '::/129',
    '1.2.3.4/8/8',
    '::ffff:1.2.3.4/8',
    'fe80::1%1',
  ])('%j is no entry', (entry) => expect(parseAllowed(entry)).toBeUndefined());
});

describe('a connection', () => {
  let server: Server;
  let port: number;
  let asked = 0;
  beforeAll(async () => {
    server = createServer((incoming, response) => {
      asked += 1;
      if (incoming.url === '/away') response.writeHead(302, { location: 'http://127.0.0.1:1/' });
      response.end('hello');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const at = (...addresses: string[]): Resolve => {
    return async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
  async function ask(url: string, allowed: string[], resolve?: Resolve): Promise<string> {
    const agent = createGuardedAgent({ allowed: allow(...allowed), connectMs: 500, ...(resolve && { resolve }) });
    try {
      const answer = await request(url, { dispatcher: agent });
      return answer.body.text();
    } catch (error) {
      return (error as { code: string }).code;
    } finally {
      await agent.close();
    }
  }

  test('to this machine is refused before anything is sent', async () => {
    const before = asked;
    expect(await ask(`http://127.0.0.1:${port}/`, [])).toBe('address_refused');
    expect(await ask(`https://[::ffff:127.0.0.1]:${port}/`, [])).toBe('address_refused');
    expect(await ask(`https://rebound.example:${port}/`, [], at('127.0.0.1'))).toBe('address_refused');
    expect(await ask(`https://rebound.example:${port}/`, [], at('::1'))).toBe('address_refused');
    expect(asked).toBe(before);
  });

  test('is refused when one address of many is not public', async () => {
    expect(await ask('https://mixed.example/', [], at('8.8.8.8', '10.0.0.1'))).toBe('address_refused');
    expect(await ask('https://none.example/', [], at())).toBe('unresolvable');
  });

  test('goes to what is allowed by range or by name', async () => {
    expect(await ask(`http://127.0.0.1:${port}/`, ['127.0.0.1'])).toBe('hello');
    expect(await ask(`http://store.corp.example:${port}/`, ['.corp.example'], at('127.0.0.1'))).toBe('hello');
    expect(await ask(`http://other.example:${port}/`, ['127.0.0.0/8'], at('127.0.0.1'))).toBe('hello');
    expect(await ask(`http://meta.corp.example:${port}/`, ['.corp.example'], at('169.254.169.254'))).toBe(
      'address_refused',
    );
  });

  test('goes where the one look-up led, though the name has moved since', async () => {
    let looked = 0;
    const moving: Resolve = async () => [{ address: looked++ === 0 ? '127.0.0.1' : '10.0.0.1', family: 4 }];
    expect(await ask(`http://moving.example:${port}/`, ['127.0.0.1'], moving)).toBe('hello');
    expect(looked).toBe(1);
  });

  test('follows no redirect', async () => {
    expect(await ask(`http://127.0.0.1:${port}/away`, ['127.0.0.1'])).toBe('hello');
    const agent = createGuardedAgent({ allowed: allow('127.0.0.1') });
    await expect(fetch(`http://127.0.0.1:${port}/away`, { dispatcher: agent, redirect: 'error' })).rejects.toThrow();
    await agent.close();
  });
});
