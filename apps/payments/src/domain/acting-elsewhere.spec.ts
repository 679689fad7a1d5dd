import { newId, type PaymentAnswer } from '@payflow/contracts';
import { describe, expect, it } from 'vitest';
import { SimulatedLife } from '../testing/simulated-life.js';
import type { News } from './life.js';
import { hear } from './machine.js';

const FIRST = { connector: 'cards', provider_reference: 'auth_1', url: 'https://one.example/act' };
const SECOND = { connector: 'cards_b', provider_reference: 'auth_2', url: 'https://two.example/act' };
const [EARLIER, LATER, LAST] = [newId('event'), newId('event'), newId('event')];

/** A payment whose customer has to act for the first of two providers. */
function waiting(): SimulatedLife {
  const simulated = new SimulatedLife({ refuses: () => null, answers: () => ({ outcome: 'approved', code: null }) });
  simulated.answerStep();
  said(simulated, FIRST, EARLIER);
  expect(simulated.life.payment).toMatchObject({ status: 'requires_action', version: 1, connector: 'cards' });
  return simulated;
}

/** A provider's word that the customer has to act. Returns what came of it. */
function said(simulated: SimulatedLife, where: Partial<PaymentAnswer>, id: string): readonly News[] {
  const [attempt] = simulated.attempts;
  if (!attempt) throw new Error('nobody is asked');
  const answer = {
    ...{ id: simulated.life.payment.id, attempt: attempt.id, outcome: 'requires_action', code: null },
    ...where,
  } as PaymentAnswer;
  return simulated.apply((life, moment) =>
    hear(life, answer, attempt.operation, { ...moment, cause: { ...moment.cause, id } }),
  );
}

const atTheFirst = { connector: 'cards', providerReference: 'auth_1', nextAction: { url: FIRST.url }, version: 1 };
const atTheSecond = { connector: 'cards_b', providerReference: 'auth_2', nextAction: { url: SECOND.url }, version: 2 };

describe('where another provider wants the customer to act as well', () => {
  it('they are sent there, and it is told', () => {
    const simulated = waiting();
    expect(said(simulated, SECOND, LATER)).toMatchObject([
      { kind: 'payment', from: 'requires_action', reason: 'customer_action_changed', payment: atTheSecond },
    ]);
    expect(simulated.life.payment).toMatchObject({ status: 'requires_action', ...atTheSecond });
    simulated.drain();
    expect(simulated.life.payment).toMatchObject({ status: 'authorized', version: 3, nextAction: null });
  });

  it('so they are where it is the same provider with another address, or another with none', () => {
    const simulated = waiting();
    expect(said(simulated, { ...FIRST, url: SECOND.url }, LATER)).toHaveLength(1);
    expect(said(simulated, { ...SECOND, url: null }, LAST)).toHaveLength(1);
    expect(simulated.life.payment).toMatchObject({ version: 3, nextAction: { type: 'redirect' } });
  });

  it('nothing is told by a word that comes again', () => {
    const simulated = waiting();
    expect(said(simulated, FIRST, EARLIER)).toEqual([]);
    expect(said(simulated, FIRST, LATER)).toEqual([]);
    expect(simulated.life.payment).toMatchObject(atTheFirst);
  });

  it('its end, which is asked for meanwhile, goes on', () => {
    const simulated = waiting();
    const cancellation = simulated.wish('cancellation');
    expect(said(simulated, SECOND, LATER)).toHaveLength(1);
    expect(simulated.life.payment).toMatchObject({ ...atTheSecond, operation: cancellation });
  });
});
