import { expect, it } from 'vitest';
import { statementCsv } from './statement-csv.js';

const line = {
  transfer: 'tr_1',
  side: 'debit',
  amount: '5',
  balance: '-5',
  counter_account: 'acct_2',
  group: null,
  hold: null,
  reverses: null,
  recorded_at: '2026-11-25T12:00:00.000Z',
  effective_at: '2026-11-24T12:00:00.000Z',
};
const page = { asset: 'USD', opening_balance: '0', closing_balance: '-5', lines: [line] };
const HEADER =
  'entry,asset,transfer,side,amount,balance,counter_account,group,hold,reverses,recorded_at,effective_at\r\n';
const LINE = 'transfer,USD,tr_1,debit,5,-5,acct_2,,,,2026-11-25T12:00:00.000Z,2026-11-24T12:00:00.000Z\r\n';

it('tells the opening balance on the first page and the closing one on the last', () => {
  const [opening, closing] = ['opening,USD,,,,0,,,,,,\r\n', 'closing,USD,,,,-5,,,,,,\r\n'];
  expect(statementCsv(page, { isFirst: true, isLast: true })).toBe(HEADER + opening + LINE + closing);
  expect(statementCsv(page, { isFirst: true, isLast: false })).toBe(HEADER + opening + LINE);
  expect(statementCsv(page, { isFirst: false, isLast: true })).toBe(HEADER + LINE + closing);
});
