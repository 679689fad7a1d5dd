import { newId } from '@payflow/contracts';

/** A member of a transfer with a value that must never be accepted. */
interface Flaw {
  readonly member: string;
  /** As JSON text: some of it is none. */
  readonly value: string;
}

const long = (length: number) => 'x'.repeat(length);
const json = (values: readonly unknown[]) => values.map((value) => JSON.stringify(value));

/** JSON texts that are no text of any kind. */
const NO_TEXT = ['null', 'true', '0', '-1', '1.5', '1e400', '[]', '["1"]', '{}', '{"a":"1"}'];
/** Texts that no member of a transfer may have, and JSON that is none. */
const NO_WORD = [
  ...json([
    '',
    ' ',
    '\n',
    '\t',
    'null',
    'undefined',
    'NaN',
    "' or 1=1 --",
    '<b>',
    '../..',
    '%00',
    '\u202e',
    '😀',
    '\u0000',
  ]),
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\x"',
  'nul',
  '{"a":1,"a":1}',
  '{"__proto__":1}',
  '01',
  '.5',
  'NaN',
  '[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]',
];

const AMOUNTS = [
  ...json([
    '0',
    '-0',
    '-1',
    '+1',
    '00',
    '007',
    '1.',
    '.1',
    '0.1',
    '1.0',
    '1e3',
    '1E3',
    '0x10',
    '0b1',
    '1_000',
    '1,000',
  ]),
  ...json([
    '1 000',
    ' 12 ',
    '12\n',
    '１００',
    '٣',
    '𝟙',
    '½',
    'Infinity',
    '9223372036854775808',
    '99999999999999999999',
  ]),
  ...['100', '9007199254740993', '9223372036854775807', '1e3', '0.1'],
];
const INSTANTS = [
  ...json([
    'now',
    'today',
    '2026',
    '2026-01',
    '2026-01-01',
    '20260101T000000Z',
    '2026-W01-1',
    '2026-001',
    '1767225600',
  ]),
  ...json(['2026-01-01T00:00:00', '2026-01-01 00:00:00Z', '2026-01-01T00:00Z', '2026-01-01T00Z', 'T00:00:00Z']),
  ...json(['2026-02-29T00:00:00Z', '2026-02-30T00:00:00Z', '2026-04-31T00:00:00Z', '2026-00-01T00:00:00Z']),
  ...json(['2026-13-01T00:00:00Z', '2026-01-00T00:00:00Z', '2026-01-32T00:00:00Z', '2026-01-01T25:00:00Z']),
  ...json(['2026-01-01T00:60:00Z', '2026-01-01T00:00:61Z', '2026-01-01T00:00:00+25:00', '2026-01-01T00:00:00+0100']),
  ...json([
    '2026-01-01T00:00:00 Z',
    '2026-01-01T00:00:00.1234567890Z',
    '2026-01-01T00:00:00,5Z',
    '0000-01-01T00:00:00Z',
  ]),
  ...json(['-00001-01-01T00:00:00Z', '+010000-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '2999-01-01T00:00:00+14:00']),
  ...json(['Thu, 01 Jan 2026 00:00:00 GMT', '２０２６-01-01T00:00:00Z', `2026-01-01T00:00:00Z${long(40)}`]),
  ...['1767225600', '1767225600000'],
];
const badIds = (kind: 'account' | 'transfer') => {
  const prefix = kind === 'account' ? 'acct' : 'tr';
  const other = newId(kind === 'account' ? 'transfer' : 'account');
  const texts = [other, `${prefix}_`, newId(kind).toUpperCase(), newId(kind).slice(0, -1), `${newId(kind)}0`];
  return json([
    ...texts,
    `${prefix}_8zzzzzzzzzzzzzzzzzzzzzzzzz`,
    `${prefix}_0000000000000000000000000l`,
    ` ${newId(kind)}`,
  ]);
};
const METADATA = [
  ...json([{ '': 'x' }, { a: 1 }, { a: null }, { a: ['x'] }, { a: { b: 'c' } }, { a: long(501) }, { [long(65)]: 'x' }]),
  JSON.stringify(Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`k${at}`, '']))),
  ...['null', 'true', '0', '[]', '"x"', '{"a":"\\u0000"}', '{"a":"x","a":"x"}'],
];

/** Everything that can be wrong with one member of a transfer between these accounts. */
function flaws(account: string, others: { readonly euros: string }): Flaw[] {
  const conditions = [
    ...json([
      {},
      [{}],
      [7],
      [null],
      [{ account }],
      [{ account, speed: 1 }],
      [{ account: newId('account'), version: 1 }],
    ]),
    ...[-1, 1.5, '1', null].map((version) => JSON.stringify([{ account, version }])),
    ...['balance_gte', 'balance_lte'].flatMap((bound) =>
      ['1.5', '+1', '-0', '1e3', '', '-9223372036854775809', '9223372036854775808', 7, null].map((value) =>
        JSON.stringify([{ account, [bound]: value }]),
      ),
    ),
  ];
  const values: Record<string, readonly string[]> = {
    amount: [...AMOUNTS, ...NO_TEXT, ...NO_WORD],
    effective_at: [...INSTANTS, ...NO_TEXT, ...NO_WORD],
    debit_account: [...badIds('account'), JSON.stringify(newId('account')), ...NO_TEXT, ...NO_WORD],
    credit_account: [...badIds('account'), ...json([newId('account'), account, others.euros]), ...NO_TEXT, ...NO_WORD],
    id: [...badIds('transfer'), '"tr_0000000000400080000000000g"', ...NO_TEXT, ...NO_WORD],
    asset: [...json(['usd', 'US', 'XXX', 'EUR', 'U.D', 'ÜSD', long(13)]), '840', ...NO_TEXT, ...NO_WORD],
    metadata: METADATA,
    up_to: [...json(['true', 'yes', 1, null, []]), ...NO_WORD],
    conditions,
    note: json(['', null, 7]),
    Amount: json(['100']),
  };
  return Object.entries(values).flatMap(([member, all]) => all.map((value) => ({ member, value })));
}

/** Bodies that are no transfer at all. */
const NO_TRANSFERS = ['null', 'true', '7', '"x"', '[]', '{}', 'nul', "{'a':1}", '{"a"}', '{"a":}', '{"a":1 "b":2}'];

/** Items that end nowhere: among lines they are wrong alone, in a JSON body they take what follows with them. */
export const UNENDED = [
  '"',
  '{',
  '[',
  '{"a":"',
  '{"amount":"1","asset":"USD"',
  '}',
  ']',
  '{}}',
  '',
  ' ',
  '\u00a0',
  '\u2028',
];

/** So many texts of transfers, each wrong in a way of its own: in one member, or in two of them. */
export function badTransfers(
  count: number,
  good: Record<string, string>,
  others: { readonly euros: string },
): string[] {
  const all = flaws(good['debit_account'] ?? '', others);
  const written = (...wrong: readonly Flaw[]) => {
    const members = new Map(Object.entries(good).map(([member, value]) => [member, JSON.stringify(value)]));
    for (const { member, value } of wrong) members.set(member, value);
    return `{${[...members].map(([member, value]) => `"${member}":${value}`).join(',')}}`;
  };
  const texts = new Set([...NO_TRANSFERS, ...all.map((flaw) => written(flaw))]);
  // A step that shares no divisor with the number of flaws meets all of them before it repeats itself.
  for (let step = 1; texts.size < count; step++)
    for (let at = 0; at < all.length && texts.size < count; at++) {
      const [first, second] = [all[at] as Flaw, all[(at + step * 7) % all.length] as Flaw];
      if (first.member !== second.member) texts.add(written(first, second));
    }
  return [...texts];
}
