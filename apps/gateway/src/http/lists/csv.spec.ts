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
  ['＝1+1', `'＝1+1`],
  ['＋1', `'＋1`],
  ['－1', `'－1`],
  ['＠sum(a1)', `'＠sum(a1)`],
  ['a=b', 'a=b'],
  ['a;=1+1', `a;'=1+1`],
  ['a;b=1', 'a;b=1'],
  ['a;-5', `a;'-5`],
  ['a; +1', `a;' +1`],
  ['a;＝1;@b', `a;'＝1;'@b`],
  ['a\t=1', `a\t'=1`],
  ['a\n=1', `"a\n'=1"`],
  ['a\r\n@b', `"a\r\n'@b"`],
  ['a;"=1', `"a;'""=1"`],
  [';=1', `;'=1`],
  ['\n=1', `"'\n'=1"`],
  ['{"note":";=1"}', `"{""note"":"";'=1""}"`],
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

it.each([';', '\t'])('leaves no formula at the head of a cell where a spreadsheet cuts at %j', (separator) => {
  const signs = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
  const befores = ['', ' ', '"', '""', separator, '\n', '\r\n', '"\n', `x${separator}`];
  const texts = signs.flatMap((sign) => befores.map((before) => `x${separator}${before}${sign}cmd()${separator}"y`));
  const record = csvRecord(['id', ...texts, 'end']);
  // Quotes at the head of a cell are taken away.
  const cells = record
    .split(/\r\n|\r|\n/)
    .flatMap((line) => line.split(separator).map((cell) => cell.replace(/^[" ]+/, '')));
  expect(cells.length).toBeGreaterThan(texts.length);
  expect(cells.filter((cell) => /^[=+\-@＝＋－＠]/.test(cell))).toEqual([]);
});
