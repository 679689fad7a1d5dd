import { expect, it } from 'vitest';
import { EXPIRES_MS, SimulatedLife } from '../testing/simulated-life.js';
import { isOverdue } from './operation-refusal.js';
import { snapshotOf } from './payment.js';
import { USUAL_TERMS } from './terms.js';

const HOUR_MS = 3_600_000;
/** When the provider set the money aside. */
const SINCE = EXPIRES_MS - 10 * HOUR_MS;
const UNTIL = new Date(SINCE + USUAL_TERMS.authorizationValid_ms).toISOString();

/** An authorization whose provider tells that its customer has acted, while it is asked to give the payment's end. */
function heardMeanwhile(isEnded: boolean): SimulatedLife {
  let hasActed = false;
  const simulated = new SimulatedLife({
    refuses: () => null,
    answers: ({ action }) => {
      if (action === 'void') return isEnded ? { outcome: 'approved', code: null } : { outcome: 'declined', code: 'no' };
      if (hasActed) return { outcome: 'approved', code: null, authorized_at: new Date(SINCE).toISOString() };
      hasActed = true;
      return { outcome: 'requires_action', code: null };
    },
  });
  simulated.answerStep();
  simulated.answerAttempt();
  simulated.wish('cancellation');
  expect(simulated.attempts.map(({ action }) => action)).toEqual(['authorize', 'void']);
  simulated.answerAttempt();
  const { payment } = simulated.life;
  expect(payment).toMatchObject({ status: 'requires_action', authorizedUntil: UNTIL });
  expect(snapshotOf(payment, [])).not.toHaveProperty('authorized_until');
  expect(isOverdue({ ...payment, authorizedUntil: new Date(0).toISOString() }, new Date(SINCE).toISOString())).toBe(
    false,
  );
  simulated.pass(2 * HOUR_MS);
  simulated.drain();
  return simulated;
}

it('what was authorized while its end was asked for in vain is good for as long as its provider keeps it', () => {
  const { payment } = heardMeanwhile(false).life;
  expect(payment).toMatchObject({ status: 'authorized', authorizedUntil: UNTIL });
  expect(snapshotOf(payment, [])).toMatchObject({ authorized_until: UNTIL });
});

it('and is good for nothing any more where its end was given', () => {
  expect(heardMeanwhile(true).life.payment).toMatchObject({ status: 'canceled', authorizedUntil: null });
});
