import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { zip } from '../../cli/demo/zip.ts';
import { Secret } from '../../config/secret.ts';
import { EICAR } from '../../scanner/standin/eicar.ts';
import { calm, chunks, failureOf, pair } from './support.ts';

/** Made by Info-ZIP 3.0 with `zip -X -P 'öffne dich'`: one file, `hay hay hay hay needle hay hay hay hay`. */
const FOREIGN = Buffer.from(
  'UEsDBBQACQAIAAAAIgAH7/SiHgAAACYAAAAKAAAAc2VjcmV0LnR4dMWjOIQd9MhV1hwyqjWnIzvlqs0XlxZ0/VdgJOeBTlBLBwgH7/SiHgAAACYAAABQ' +
    'SwECHgMUAAkACAAAACIAB+/0oh4AAAAmAAAACgAAAAAAAAABAAAApIEAAAAAc2VjcmV0LnR4dFBLBQYAAAAAAQABADgAAABWAAAAAAA=',
  'base64',
);
const PASSWORD = 'öffne dich';
const locked = (data: Buffer) => zip([{ name: 'in.bin', data, password: PASSWORD }]);

async function judged(data: Buffer, password: string | undefined, options = {}) {
  const { scanner, standin } = await pair({ badPatterns: ['needle'], ...options });
  const request = { size: data.length, body: chunks(data), ...(password && { password: new Secret(password) }) };
  const { outcome, reason } = await scanner.scan(request, calm);
  return { told: reason === undefined ? outcome : `${outcome} ${reason}`, seen: standin.requests() };
}

it.each<[string, Buffer, string | undefined, string]>([
  ['no password', FOREIGN, undefined, 'unscannable encrypted_file'],
  ['a wrong one', FOREIGN, 'open sesame', 'unscannable encrypted_file'],
  ['the right one', FOREIGN, PASSWORD, 'malicious'],
  ['the right one, nothing in it', locked(Buffer.from('harmless')), PASSWORD, 'clean'],
  ['the right one, EICAR in it', locked(EICAR), PASSWORD, 'malicious'],
  ['the right one, a zip in it', locked(locked(EICAR)), PASSWORD, 'malicious'],
  ['one that nothing needs', Buffer.from('plain'), PASSWORD, 'clean'],
])('an encrypted archive with %s', async (_, data, password, told) => {
  const judgement = await judged(data, password);
  expect(judgement.told).toBe(told);
  expect(judgement.seen[0]?.password).toBe(password === undefined ? undefined : true);
});

it('a large archive is opened too', async () => {
  const data = Buffer.concat([Buffer.alloc(200_000, 'noise '), Buffer.from('needle')]);
  expect((await judged(locked(data), PASSWORD)).told).toBe('malicious');
});

it('a proxy that drops names with an underscore leaves it closed', async () => {
  expect((await judged(FOREIGN, PASSWORD, { dropUnderscores: true })).told).toBe('unscannable encrypted_file');
});

it('goes with the scan it was given to, and with no probe', async () => {
  const { scanner, standin } = await pair();
  await scanner.probe(calm);
  await scanner.scan({ size: 1, body: chunks('a'), password: new Secret(PASSWORD) }, calm);
  await scanner.scan({ size: 1, body: chunks('a') }, calm);
  expect(standin.requests().map(({ password }) => password)).toEqual([undefined, true, undefined]);
});

it('is in no message of a failure', async () => {
  const canary = 'canary-84c1';
  for (const fault of ['500', 'reset', '431', 'html', 'truncated-json', 'bad-entity']) {
    const { scanner } = await pair({ faults: [`${fault} times=*`] });
    const error = await failureOf(
      scanner.scan({ size: 1, body: chunks('a'), password: new Secret(canary), metadata: { job: 'j' } }, calm),
    );
    const text = inspect(error, { depth: 9 });
    expect(text).not.toContain(canary);
    expect(text).not.toContain(Buffer.from(canary).toString('base64'));
  }
});
