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
  ['a card number on a line of its own', 'card:\n4242424242424242\ndeclined', '4242424242424242'],
  ['a card number behind a tab', 'card\t4242 4242 4242 4242', '4242 4242'],
  ['a card number behind a control character', '\u00014242424242424242', '4242424242424242'],
  ['an API key on a line of its own', 'key\nsk_test_4eC39HqLyjWDarjtT1zdp7dc', '4eC39HqLyjWDarjtT1zdp7dc'],
  ['an access token on a line of its own', `\r\nat_${'q7'.repeat(21)}x`, 'q7q7'],
  ['a bearer token on a line of its own', 'sent\nBearer eyJhbGciOi.J9.sig', 'eyJhbGciOi'],
  ['a bearer token in small letters', 'authorization: bearer eyJhbGciOi.J9.sig', 'eyJhbGciOi'],
  ['a login in small letters', 'AUTHORIZATION: basic dXNlcjpwYXNz', 'dXNlcjpwYXNz'],
  ['a login in a list of headers', JSON.stringify(['authorization', 'basic dXNlcjpwYXNz']), 'dXNlcjpwYXNz'],
  ['a bearer token in small letters alone', 'sent bearer eyJhbGciOi.J9.sig', 'eyJhbGciOi'],
  ['a password with an @ in a URL', 'connect postgres://app:hun@ter@2@db:5432/x failed', 'ter'],
  ['a password with a slash and an @ in a URL', 'redis://app:p:w@rd/1@cache:6379', 'rd/1'],
  ['a password of the second of two URLs', 'http://a/b,redis://app:hunter2@cache:6379', 'hunter2'],
  ['what Redis repeats of a command', "unknown command 'HELLO', with args beginning with: '3' 'hunter2'", 'hunter2'],
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

const text = JSON.stringify({ user: 'ann', password: 'hunter2', note: 'kept' });
const nested = (value: unknown): string => JSON.stringify({ password: value, note: 'kept' });
it.each([
  ['JSON in a string', { body: text }],
  ['JSON in JSON in a string', { body: JSON.stringify({ sent: text }) }],
  ['JSON that is cut off', { body: text.slice(0, text.indexOf('er2')), next: 'kept' }],
  ['JSON in a string with a quote in it', { body: nested('a"hunter2') }],
  ['JSON in a string with a backslash and a quote in it', { body: nested('a\\"hunter2') }],
  ['JSON in a string with a backslash at the end', { body: nested('hunter2\\'), next: 'kept' }],
  ['JSON in a string that is cut off before it', { body: `${text.slice(0, text.indexOf('hunt'))}\\`, next: 'kept' }],
  [
    'JSON in a string behind the word alone',
    { body: JSON.stringify({ a: '"password":', password: 'hunter2', b: 'kept' }) },
  ],
  ['JSON in a string that ends as if JSON began in it', { body: nested('{"password":"'), password: 'hunter2' }],
  ['JSON in a string with lines in it', { body: nested('a\nhunter2') }],
])('takes a password out of %s, and leaves the rest', (_what, value) => {
  const line = redactLine(JSON.stringify(value));
  expect(line).not.toContain('hunt');
  expect(line).toContain('kept');
  expect(JSON.parse(line)).toBeTypeOf('object');
});

// What takes the square of its length takes minutes here, and is cut off.
it.each([
  '\\',
  '\\"',
  'a.',
  '://',
  '://a:',
  '://a:b@',
  '"password":"',
  '"password\\":\\"',
  'bearer ',
  'authorization:',
  '4242 ',
  '\n',
])('is soon done with a long line of %j', (part) => {
  const line = part.repeat(1_000_000 / part.length);
  expect(JSON.parse(redactLine(JSON.stringify({ line, inner: JSON.stringify({ line }) })))).toBeTypeOf('object');
  expect(redactLine(line)).toBeTypeOf('string');
});

const harmless = [
  ['an id', 'pay_01jd7z1t4vek9s0w3a7m5x2n8q'],
  ['an amount', '9223372036854775807'],
  ['a trace id', '0af7651916cd43dd8448eb211c80319c'],
  ['a time', '2026-11-21T06:44:00.123Z'],
  ['a UUID', '01936b8a-1234-7123-8123-412345678901'],
  ['sixteen digits that are no card', '4242424242424241'],
  ['words', 'basic authentication: the bearer presents it'],
  ['an address', 'mail a:b@c.example'],
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
