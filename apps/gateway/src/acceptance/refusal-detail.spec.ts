import { DECLINES, NOT_SENT_REASONS, REFUSALS } from '@payflow/contracts';
import { expect, it } from 'vitest';
import { ownRefusalDetail, refusalDetail } from './refusal-detail.js';

it('tells a reason in a sentence, and what is none by its name', () => {
  expect(refusalDetail('payment_not_capturable')).toBe(
    'Nothing is set aside for the payment, or its time to be captured is over.',
  );
  expect(refusalDetail('card_expired')).toBe('The card is out of date.');
  expect(refusalDetail('breaker_open')).toMatch(/^The provider failed several times/);
  for (const reason of ['do_not_honor', 'constructor']) expect(refusalDetail(reason)).toBe(`Refused: ${reason}.`);
});

it('tells a word that both we and providers use in a sentence that is true of either', () => {
  const words = [REFUSALS, DECLINES, NOT_SENT_REASONS].flatMap((reasons) => Object.keys(reasons));
  const shared = words.filter((word, at) => words.indexOf(word) < at);
  expect(shared).toContain('limit_exceeded');
  for (const word of shared) {
    expect(refusalDetail(word)).toMatch(/^[A-Z].*\.$/);
    expect(refusalDetail(word)).not.toContain(word);
  }
  expect(refusalDetail('limit_exceeded')).toBe('It would pass a limit: of the organisation, or of the card.');
});

it('tells a reason of ours as we mean it', () => {
  expect(ownRefusalDetail('insufficient_funds')).toBe('The account has less available than the amount.');
  expect(ownRefusalDetail('limit_exceeded')).toBe('The payment would pass a limit of the organisation.');
  expect(ownRefusalDetail('card_expired')).toBe('The card is out of date.');
  expect(ownRefusalDetail('constructor')).toBe('Refused: constructor.');
});
