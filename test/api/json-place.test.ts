import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonPlace } from '../../api/json-place.ts';

test('valid JSON is read to its end', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(undefined, 2), (text, indent) => {
      const whole = JSON.stringify(JSON.parse(text), null, indent);
      expect(jsonPlace(whole)).toBe(whole.length);
    }),
  );
});

test('what is cut off is missing at its end, or is a scalar that was cut', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), (text, where) => {
      const cut = text.slice(0, where % (text.length + 1));
      const place = jsonPlace(cut);
      expect(place).toBeLessThanOrEqual(cut.length);
      expect(cut.slice(place)).toMatch(/^$|^"|^[-\d.eE+]+$|^[a-z]+$/);
    }),
  );
});

test('a character that can not stand anywhere is the place', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const whole = JSON.stringify([JSON.parse(text), 1]);
      const at = whole.length - 1;
      expect(jsonPlace(`${whole.slice(0, at)}@${whole.slice(at)}`)).toBe(at);
      expect(jsonPlace(`${whole}@`)).toBe(whole.length);
    }),
  );
});

test('deep nesting does not exhaust the stack', () => {
  expect(jsonPlace('['.repeat(1_000_000))).toBe(1_000_000);
});
