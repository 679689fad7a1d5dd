import { expect, it } from 'vitest';
import { booksRefusalDetail, refusalDetail } from './refusal-detail.js';

it('tells a reason in a sentence, and one that has two meanings, or none, by its name', () => {
  expect(refusalDetail('payment_not_capturable')).toBe(
    'Nothing is set aside for the payment, or its time to be captured is over.',
  );
  expect(refusalDetail('card_expired')).toBe('The card is out of date.');
  expect(refusalDetail('breaker_open')).toMatch(/^The provider failed several times/);
  for (const reason of ['limit_exceeded', 'insufficient_funds', 'do_not_honor', 'constructor'])
    expect(refusalDetail(reason)).toBe(`Refused: ${reason}.`);
});

it('tells a reason of the ledger as the ledger means it', () => {
  expect(booksRefusalDetail('insufficient_funds')).toBe('The account has less available than the amount.');
  expect(booksRefusalDetail('card_expired')).toBe('The card is out of date.');
  expect(booksRefusalDetail('constructor')).toBe('Refused: constructor.');
});
