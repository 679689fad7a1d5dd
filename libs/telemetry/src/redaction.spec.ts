import { expect, it } from 'vitest';
import { redactLine } from './redaction.js';

const secrets: [what: string, value: string, leaked: string][] = [
  ['an API key', 'key sk_test_4eC39HqLyjWDarjtT1zdp7dc used', '4eC39HqLyjWDarjtT1zdp7dc'],
  ['a live key', 'sk_live_4eC39HqLyjWDarjtT1zdp7dc', '4eC39HqLyjWDarjtT1zdp7dc'],
  ['an access token', `token at_${'q7'.repeat(21)}x is known`, 'q7q7'],
  ['a refresh token', `rt_${'q7'.repeat(21)}x`, 'q7q7'],
  ['an invitation', `inv_${'q7'.repeat(21)}x`, 'q7q7'],
  ['a bearer token', 'Authorization: Bearer eyJhbGciOi.J9.sig', 'eyJhbGciOi'],
  ['the password of a URL', 'connect postgres://app:hunter2@db:5432/x failed', 'hunter2'],
  ['the password of a Redis URL without a user', 'redis://:hunter2@cache:6379', 'hunter2'],
  ['a card number', 'card 4242424242424242 declined', '4242424242424242'],
  ['a card number in groups', 'card 4242 4242 4242 4242 declined', '4242 4242'],
  ['a card number in quotes', '5555-5555-5555-4444', '5555-4444'],
];
it.each(secrets)('takes out %s', (_what, value, leaked) => {
  const line = redactLine(JSON.stringify({ message: value }));
  expect(line).not.toContain(leaked);
  expect(JSON.parse(line)).toBeTypeOf('object');
});

it.each([
  'authorization',
  'password',
  'current_password',
  'refresh_token',
  'token',
  'secret',
  'apiKey',
  'api_key',
  'cvv',
])('takes out what stands under %s', (key) => {
  expect(redactLine(JSON.stringify({ [key]: 'a "quoted" value' }))).toBe(`{"${key}":"[redacted]"}`);
});

const harmless = [
  ['an id', 'pay_01jd7z1t4vek9s0w3a7m5x2n8q'],
  ['an amount', '9223372036854775807'],
  ['a trace id', '0af7651916cd43dd8448eb211c80319c'],
  ['a time', '2026-11-21T06:44:00.123Z'],
  ['a UUID', '01936b8a-1234-7123-8123-412345678901'],
  ['sixteen digits that are no card', '4242424242424241'],
  ['a URL without a password', 'http://127.0.0.1:4318/v1/traces'],
];
it.each(harmless)('leaves %s alone', (_what, value) => {
  expect(redactLine(JSON.stringify({ value }))).toBe(JSON.stringify({ value }));
});

it.each(['\u202e', '\u200b', '\u2066', '\ufeff', '\u0085', '\u007f'])(
  'escapes a character that deceives the eye (%j)',
  (character) => {
    const line = redactLine(JSON.stringify({ reference: `a${character}b` }));
    expect(line).toMatch(/a\\u[0-9a-f]{4}b/);
    expect(JSON.parse(line)).toEqual({ reference: `a${character}b` });
  },
);
