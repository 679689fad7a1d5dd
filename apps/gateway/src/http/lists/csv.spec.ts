import { expect, it } from 'vitest';
import { csvField, csvFields, csvRecord } from './csv.js';

it.each([
  ['plain', 'plain'],
  ['', ''],
  ['-5', '-5'],
  ['a,b', '"a,b"'],
  ['say "x"', '"say ""x"""'],
  ['two\r\nlines', '"two\r\nlines"'],
  ['=1+1', `'=1+1`],
  ['+1', `'+1`],
  ['-1+1', `'-1+1`],
  ['@sum(a1)', `'@sum(a1)`],
  ['\tx', `'\tx`],
  ['\n=1', `"'\n=1"`],
  ['＝1+1', `'＝1+1`],
  ['＋1', `'＋1`],
  ['－1', `'－1`],
  ['＠sum(a1)', `'＠sum(a1)`],
  ['a=b', 'a=b'],
  ['=a,"b"', `"'=a,""b"""`],
])('writes the field %j as %j', (text, field) => expect(csvField(text)).toBe(field));

it('ends each record as RFC 4180 says', () => expect(csvRecord(['a', '=b', ''])).toBe("a,'=b,\r\n"));

it('finds what a thing has at each column', () => {
  const thing = {
    id: 'pay_1',
    amount: '5',
    failure: null,
    method: { type: 'card' },
    metadata: { order: '7' },
    livemode: false,
  };
  const columns = ['id', 'amount', 'failure.code', 'method.type', 'metadata', 'livemode', 'absent'];
  expect(csvFields(thing, columns)).toEqual(['pay_1', '5', '', 'card', '{"order":"7"}', 'false', '']);
});
