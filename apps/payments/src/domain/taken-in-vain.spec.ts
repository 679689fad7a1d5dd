import { describe, expect, it } from 'vitest';
import { SimulatedLife, type Outside } from '../testing/simulated-life.js';

const SALE = 0;
const VOID = 1;

/** Of a sale, the customer has to act first; all else is done. */
function obliging(): Outside {
  let hasActed = false;
  return {
    refuses: () => null,
    answers: ({ action }) => {
      const isFirst = action !== 'void' && !hasActed;
      hasActed = true;
      return { outcome: isFirst ? 'requires_action' : 'approved', code: null };
    },
  };
}

/** A payment that waits for its customer, and whose end its provider is asked for. */
function callingOff(capture: 'automatic' | 'manual', end: 'cancellation' | 'expiry'): SimulatedLife {
  const simulated = new SimulatedLife(obliging(), { capture });
  simulated.answerStep();
  simulated.answerAttempt();
  if (end === 'cancellation') simulated.wish('cancellation');
  else {
    simulated.pass(86_400_000);
    simulated.expire();
  }
  expect(simulated.attempts.map(({ action }) => action)).toEqual([
    capture === 'automatic' ? 'sale' : 'authorize',
    'void',
  ]);
  return simulated;
}

const newsOf = ({ life }: SimulatedLife) => life.news.map(({ kind }) => kind);

describe('where a provider gives the end of a payment after it has told that its customer has acted', () => {
  it.each(['cancellation', 'expiry'] as const)('a person hears of the money of a sale (%s)', (end) => {
    const simulated = callingOff('automatic', end);
    simulated.answerAttempt(SALE);
    simulated.drain();
    expect(simulated.life.payment.status).toBe(end === 'expiry' ? 'expired' : 'canceled');
    expect([simulated.held(), simulated.booked.taken]).toEqual([0n, 0n]);
    expect(newsOf(simulated)).toContain('taken');
  });

  it('nobody has to look where it was only set aside, for that is what was given back', () => {
    const simulated = callingOff('manual', 'cancellation');
    simulated.answerAttempt(SALE);
    simulated.drain();
    expect(simulated.life.payment.status).toBe('canceled');
    expect(newsOf(simulated)).not.toContain('taken');
  });

  it('nor where it had told of nothing', () => {
    const simulated = callingOff('automatic', 'cancellation');
    simulated.answerAttempt(VOID);
    simulated.drain();
    expect(simulated.life.payment.status).toBe('canceled');
    expect(newsOf(simulated)).not.toContain('taken');
  });
});
