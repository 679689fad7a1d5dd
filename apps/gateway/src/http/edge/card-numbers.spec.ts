import { newId } from '@payflow/contracts';
import { describe, expect, it } from 'vitest';
import { holdsCardNumber, mayHoldCardNumber, refuseCardNumbers, refuseCardNumbersInUrl } from './card-numbers.js';
import { parseStrictJson } from './strict-json.js';

/** The schemes' own test numbers, of each length. */
const CARDS = [
  '4222222222222',
  '30569309025904',
  '378282246310005',
  '4111111111111111',
  '5555555555554444',
  '6011111111111117',
  '3530111333300000',
  '6304000000000000000',
];

describe('a card number', () => {
  it.each(CARDS)('%s is found by itself, among words, in groups and among letters', (card) => {
    const grouped = card.replaceAll(/(\d{4})(?=\d)/g, '$1 ');
    const texts = [
      card,
      `my card is ${card}, thanks`,
      grouped,
      grouped.replaceAll(' ', '-'),
      `pan${card}x`,
      [...card].join(' '),
      `2 ${card}`,
      `${card} 12`,
      `${grouped} 123`,
      `2026 ${grouped}`,
      ...['-', '\t', '\n', '\u00a0', '\u2009', '\u200b', '\u2013'].map((blank) => grouped.replaceAll(' ', blank)),
      card.replaceAll(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
      card.replaceAll(/\d/g, (digit) => String.fromCodePoint(0x0660 + Number(digit))),
      card.replaceAll(/\d/g, (digit) => String.fromCodePoint(0x1d7ce + Number(digit))),
    ];
    expect(texts.filter((text) => !holdsCardNumber(text))).toEqual([]);
  });

  it.each(['order 123456 4111 1111 1111 1111', '2026 4111-1111-1111-1111', '00001234 378282246310005 9'])(
    'is found beside other digits: %s',
    (text) => expect(holdsCardNumber(text)).toBe(true),
  );

  it.each(['.', '/', '_', '+'])('is found in the groups of cards with %s between them', (between) => {
    const numbers = ['4111 1111 1111 1111', '3782 822463 10005', '6304 0000 0000 0000 000'];
    const texts = numbers.map((number) => `no ${number.replaceAll(' ', between)}, thanks`);
    expect(texts.filter((text) => !holdsCardNumber(text))).toEqual([]);
  });

  it.each([
    ['of which a digit is wrong', '4111111111111112'],
    ['too short', '411111111111'],
    ['too long', '41111111111111111111111111'],
    ['of zeros', '0000000000000000'],
    ['milliseconds since 1970', '1764127469129'],
    ['an instant', '2026-11-26T03:24:29.123456789Z'],
    ['a span of days', '2026-11-26 2026-12-01'],
    ['a UUID', '41111111-1111-1111-8111-111111111111'],
    ['an IBAN', 'DE89 3704 0044 0532 0130 00'],
    ['an IBAN in one piece', 'AT611904300234573201'],
    ['an id of ours', newId('payment')],
    ['a telephone number', '+49 30 1234567'],
    ['a fraction', '3.141592653589793'],
    ['addresses of machines', '192.168.100.200 10.20.30.40'],
  ])('is not what is %s', (_, text) => expect(holdsCardNumber(text)).toBe(false));

  it('is not in the ids that are made, however many', () => {
    const texts = Array.from({ length: 20_000 }, () => `${newId('payment')} ${crypto.randomUUID()}`);
    expect(texts.filter(holdsCardNumber)).toEqual([]);
  });
});

describe('a body', () => {
  const card = '4111111111111111';
  const refused = (json: object) => {
    try {
      parseStrictJson(Buffer.from(JSON.stringify(json)));
      return undefined;
    } catch (error) {
      return (error as { options: { errors: { pointer: string }[] } }).options.errors[0]?.pointer;
    }
  };

  it.each([
    [{ reference: card }, '/reference'],
    [{ method: { type: 'card', token: card } }, '/method/token'],
    [{ metadata: { amount: card } }, '/metadata/amount'],
    [{ items: [{ note: `x ${card}` }] }, '/items/0/note'],
    [{ metadata: { [card]: 'x' } }, '/metadata'],
    [{ note: Number(card) }, '/note'],
    [{ amount: `${card} ` }, '/amount'],
  ])('is refused, and only the place is told: %j', (json, pointer) => expect(refused(json)).toBe(pointer));

  it('is refused where the digits are written as escapes', () => {
    const escaped = [...card].map((digit) => `\\u003${digit}`).join('');
    expect(() => parseStrictJson(Buffer.from(`{"reference":"${escaped}"}`))).toThrow(
      expect.objectContaining({ code: 'card_data_not_accepted' }) as Error,
    );
  });

  it.each([
    '４１１１１１１１１１１１１１１１',
    '4111\t1111\t1111\t1111',
    '4111\u00a01111\u00a01111\u00a01111',
    '4111.1111.1111.1111',
  ])('is refused in whatever digits and with whatever blanks, as they are or as escapes: %j', (reference) => {
    const escaped = [...reference].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
    for (const json of [JSON.stringify({ reference }), `{"reference":"${escaped}"}`])
      expect(() => parseStrictJson(Buffer.from(json))).toThrow(
        expect.objectContaining({ code: 'card_data_not_accepted' }) as Error,
      );
  });

  it('may say sums of as many digits, where sums stand', () => {
    const sums = {
      amount: card,
      source_amount: card,
      rate: { numerator: card, denominator: '1' },
      conditions: [{ balance_gte: `-${card}`, amount_lte: card }],
      breakdown: [{ fixed: card }],
    };
    expect(() => refuseCardNumbers(sums)).not.toThrow();
  });
});

describe('the look at the bytes', () => {
  it('misses none, wherever it stands and whatever stands around it', () => {
    for (let before = 0; before < 40; before++)
      for (const card of [...CARDS, '4 2-2 2-2 2-2 2-2 2-2 2-2'])
        expect(mayHoldCardNumber(Buffer.from(`${'x'.repeat(before)}${card}${'y'.repeat(before % 7)}`))).toBe(true);
  });

  it('passes what has fewer digits together', () => {
    const payment = {
      source: newId('account'),
      amount: '123456789012',
      reference: '2026-11-26T03:24',
      metadata: { a: '1 2 3' },
    };
    expect(mayHoldCardNumber(Buffer.from(JSON.stringify(payment, null, 8)))).toBe(false);
  });
});

describe('an address', () => {
  it.each([
    '/api/v1/payments/4111111111111111',
    '/api/v1/payments?reference=4111111111111111',
    '/api/v1/payments?reference=4111+1111%201111-1111',
    '/api/v1/payments?reference=%34111111111111111',
    '/api/v1/payments?reference=4111.1111.1111.1111',
    '/api/v1/payments?reference=4111%C2%A01111%C2%A01111%C2%A01111',
    `/api/v1/payments?reference=${encodeURIComponent('４１１１１１１１１１１１１１１１')}`,
    '/api/v1/transfers?metadata[4111111111111111]=x',
    '/api/v1/transfers?metadata[order]=who?4111111111111111',
    '/api/v1/transfers?amount[gte]=4111-1111-1111-1111',
  ])('%s is refused', (url) => expect(() => refuseCardNumbersInUrl(url)).toThrow());

  it.each([
    `/api/v1/payments/${newId('payment')}`,
    '/api/v1/transfers?amount[gte]=4111111111111111',
    '/api/v1/payments?created[gte]=2026-11-26T03%3A24%3A29.000Z',
  ])('%s is not', (url) => expect(() => refuseCardNumbersInUrl(url)).not.toThrow());
});
