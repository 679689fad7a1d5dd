import { PROBLEMS, REFUSALS } from '@payflow/contracts';
import { describe, expect, it } from 'vitest';
import { paymentRefusalCode } from './refusal-codes.js';

/** Reasons for not doing what is never asked of a payment. */
const OF_OTHERS = ['account_exists', 'asset_unknown', 'evidence_not_accepted'];

describe('a reason for not doing what was asked of a payment', () => {
  it.each(Object.keys(REFUSALS).filter((reason) => Object.hasOwn(PROBLEMS, reason) && !OF_OTHERS.includes(reason)))(
    'that has a problem of its own is answered with that: %s',
    (reason) => expect(paymentRefusalCode(reason)).toBe(reason),
  );

  it('that is a limit of its organisation is a decline, as it is of a payment that is made', () =>
    expect(paymentRefusalCode('limit_exceeded')).toBe('declined'));

  it.each(['do_not_honor', 'provider_declined', 'provider_not_reached'])(
    '%s, a provider’s word, is a decline',
    (reason) => expect(paymentRefusalCode(reason)).toBe('declined'),
  );
});
