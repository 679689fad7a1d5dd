import { Problem } from '@payflow/service';
import { expect, it } from 'vitest';
import { parseStrictJson } from './strict-json.js';

const refused: [what: string, body: string | Buffer][] = [
  ['an empty body', ''],
  ['blanks alone', '  \n'],
  ['a truncated object', '{"a":1'],
  ['a truncated string', '{"a":"b'],
  ['a truncated escape', '{"a":"b\\'],
  ['two values', '{}{}'],
  ['a trailing comma', '{"a":1,}'],
  ['a comment', '{"a":1}//x'],
  ['single quotes', "{'a':1}"],
  ['NaN', '{"a":NaN}'],
  ['a leading zero', '{"a":01}'],
  ['a raw control character', '{"a":"\n"}'],
  ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  ['an overlong UTF-8 sequence', Buffer.from([0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x3a, 0x31, 0x7d])],
  ['a surrogate in UTF-8', Buffer.from([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d])],
  ['UTF-16', Buffer.from('{"a":1}', 'utf16le')],
  ['a byte order mark', Buffer.from('\ufeff{"a":1}')],
  ['a repeated key', '{"a":1,"a":2}'],
  ['a key repeated by an escape', '{"a":1,"\\u0061":2}'],
  ['a key repeated deep down', '{"x":[{"a":1,"b":{"c":1,"c":2}}]}'],
  ['`__proto__`', '{"__proto__":{"admin":true}}'],
  ['`__proto__` by escapes', '{"\\u005f_proto__":1}'],
  ['NUL in a value', '{"a":"\\u0000"}'],
  ['NUL in a key', '{"a\\u0000":1}'],
  ['a lone high surrogate', '{"a":"\\ud800"}'],
  ['a lone low surrogate in a key', '{"\\udc00":1}'],
  ['17 levels', `${'{"a":'.repeat(17)}1${'}'.repeat(17)}`],
  ['200,000 levels', '['.repeat(200_000)],
  ['1,001 items', `{"a":[${'1,'.repeat(1_000)}1]}`],
  ['a string of 4,097 bytes', `{"a":"${'x'.repeat(4_097)}"}`],
  ['a string of 1,400 characters of three bytes', `{"a":"${'€'.repeat(1_400)}"}`],
];
it.each(refused)('refuses %s', (_what, body) => {
  expect(codeOf(body)).toBe('invalid_json');
});

it.each([['[]'], ['"text"'], ['null'], ['1'], ['true'], ['[{}]']])('refuses %s, which is no object', (body) => {
  expect(codeOf(body)).toBe('invalid_request');
});

const accepted: [what: string, body: string, value: unknown][] = [
  ['an empty object', '{}', {}],
  ['colons, braces and quotes inside strings', '{"a":"{\\":[:}]\\\\","b":":"}', { a: '{":[:}]\\', b: ':' }],
  ['a string that ends in backslashes', '{"a":"\\\\","b":"\\\\\\""}', { a: '\\', b: '\\"' }],
  ['one key in two objects', '{"a":{"k":1},"b":{"k":1}}', { a: { k: 1 }, b: { k: 1 } }],
  ['a surrogate pair by escapes', '{"a":"\\ud83d\\ude00"}', { a: '😀' }],
  ['right-to-left and zero-width characters', '{"a":"\u202eabc\u200b"}', { a: '\u202eabc\u200b' }],
  ['16 levels', `${'{"a":'.repeat(16)}1${'}'.repeat(16)}`, expect.anything()],
  ['1,000 items', `{"a":[${'1,'.repeat(999)}1]}`, expect.anything()],
  ['a string of 4,096 bytes', `{"a":"${'x'.repeat(4_096)}"}`, expect.anything()],
  ['`constructor`, which harms nothing', '{"constructor":1}', { constructor: 1 }],
  ['blanks between everything', ' { "a" :\t[ 1 ,\r\n2 ] } ', { a: [1, 2] }],
];
it.each(accepted)('takes %s', (_what, body, value) => {
  expect(parseStrictJson(Buffer.from(body))).toEqual(value);
});

it('takes time in proportion to the body, whatever is in it', () => {
  const hostile = (times: number) =>
    Buffer.from(`{"a":"${'\\\\'.repeat(500 * times)}","b":[${'"\\"",'.repeat(225 * times)}1]}`);
  // The quickest of many is what it takes when nothing comes between.
  const took = (body: Buffer) =>
    Math.min(
      ...Array.from({ length: 200 }, () => {
        const start = performance.now();
        parseStrictJson(body);
        return performance.now() - start;
      }),
    );
  const once = took(hostile(1));
  // Four times the body: sixteen times the time where each part looked at all others.
  expect(took(hostile(4)) / once).toBeLessThan(10);
});

function codeOf(body: string | Buffer): string | undefined {
  try {
    parseStrictJson(Buffer.from(body));
    return undefined;
  } catch (error) {
    return error instanceof Problem ? error.code : String(error);
  }
}
