import { newId } from '@payflow/contracts';

/** Members of a request about a payment, each with JSON texts that it must never have. */
type Flaws = Readonly<Record<string, readonly string[]>>;

const json = (...values: readonly unknown[]) => values.map((value) => JSON.stringify(value));
const long = (length: number) => 'x'.repeat(length);

const NO_WORDS = ['null', 'true', '0', '1.5', '[]', '{}', '""', '" "', '"\\u0000"', '"\\ud800"', 'nul', '01'];
const NO_TEXTS = ['true', '7', '[]', '{}', '""', JSON.stringify(long(256)), '"\\u0000"', '"\\ud800"'];
const AMOUNTS = [
  ...json('0', '-1', '+1', '007', '1.0', '1e3', '1 000', ' 1', '１００', '9223372036854775808', '99999999999999999999'),
  ...['null', '100', '1e3', '9007199254740993', 'true', '[]', '{}', '""'],
];
const METADATA = [
  ...json({ '': 'x' }, { a: 1 }, { a: null }, { a: ['x'] }, { a: long(501) }, { [long(65)]: 'x' }),
  ...['null', 'true', '[]', '"x"', '{"a":"\\u0000"}', '{"a":"x","a":"x"}', '{"__proto__":"x"}'],
];
const METHODS = [
  ...json('card', { type: 'card' }, { type: 'cash' }, { type: 'internal', token: 'tok_visa' }, { token: 'tok_visa' }),
  ...json({ type: 'card', token: '' }, { type: 'card', token: 'a b' }, { type: 'card', token: long(101) }),
  ...json({ type: 'card', token: 'tok_visa', number: '1' }, { type: 'card', token: 'tok_visa', brand: 'VISA' }),
  ...json({ type: 'card', token: 'tok_visa', country: 'de' }, { type: 'card', token: 'tok_visa', cvc: '123' }),
  ...['null', 'true', '7', '[]', '{}', '{"type":"card","type":"internal"}'],
];
const ids = (kind: 'payment' | 'capture' | 'refund' | 'increment' | 'customer') => {
  const fine = newId(kind);
  const texts = [
    newId('account'),
    fine.toUpperCase(),
    fine.slice(0, -1),
    `${fine}0`,
    ` ${fine}`,
    fine.replace('_', '-'),
  ];
  return [...json(...texts), ...NO_WORDS];
};
const OLD = (prefix: string) => `"${prefix}_0000000000400080000000000g"`;
const UNKNOWN: Flaws = { speed: ['"high"'], Amount: ['"1"'], card: ['{}'] };

/** By the last part of the path; `''` makes a payment. */
export const PAYMENT_FLAWS: Readonly<Record<string, Flaws>> = {
  '': {
    id: [...ids('payment'), OLD('pay')],
    amount: AMOUNTS,
    asset: [...json('usd', 'XXX', long(13)), ...NO_WORDS],
    source: NO_WORDS,
    destination: NO_WORDS,
    method: METHODS,
    capture: [...json('later', 'MANUAL', ''), 'null', 'true', '7', '[]'],
    confirm: [...json('false', 0, []), 'null'],
    customer: ids('customer').filter((text) => text !== 'null'),
    reference: NO_TEXTS,
    metadata: METADATA,
    ...UNKNOWN,
  },
  confirm: { amount: json('1'), capture: json('manual'), ...UNKNOWN },
  authorize: { amount: json('1'), capture: json('manual'), ...UNKNOWN },
  increment: { id: [...ids('increment'), OLD('inc')], amount: AMOUNTS, metadata: json({}), ...UNKNOWN },
  capture: {
    id: [...ids('capture'), OLD('cap')],
    amount: AMOUNTS,
    final: [...json('true', 1, []), 'null'],
    metadata: METADATA,
    reason: json('x'),
    ...UNKNOWN,
  },
  cancel: { reason: NO_TEXTS, amount: json('1'), ...UNKNOWN },
  refunds: { id: [...ids('refund'), OLD('re')], amount: AMOUNTS, reason: NO_TEXTS, metadata: METADATA, ...UNKNOWN },
  retry: { id: [...ids('payment'), OLD('pay')], method: METHODS, amount: json('1'), ...UNKNOWN },
};
