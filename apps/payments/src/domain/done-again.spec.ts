import { newId, newUuid, uuidOf, type OperationKind, type PaymentCreate } from '@payflow/contracts';
import { describe, expect, it } from 'vitest';
import { SimulatedLife, type Outside } from '../testing/simulated-life.js';
import { attemptIdOf } from './attempt.js';
import { ask, remind, type Wish } from './machine.js';
import { USUAL_TERMS } from './terms.js';

const HOUR_MS = 3_600_000;
const WILLING: Outside = { refuses: () => null, answers: () => ({ outcome: 'approved', code: null }) };

/** What a client asks of a payment, under an id of its own. */
interface Asked {
  readonly kind: OperationKind;
  readonly id: string;
  readonly change?: Partial<Wish>;
}

const asking = (kind: OperationKind, change?: Partial<Wish>): Asked => ({
  kind,
  id: newUuid(),
  ...(change && { change }),
});

/** The same messages, in a life of their own: each is answered before the next comes, or all come at once. */
function lived(create: Partial<PaymentCreate>, operations: readonly Asked[], outside: Outside, atOnce: boolean) {
  const life = new SimulatedLife(outside, create);
  for (const { kind, id, change } of operations) {
    if (!atOnce) life.drain();
    life.pass(HOUR_MS / 2);
    life.wish(kind, { id, ...change });
  }
  life.drain();
  return life;
}

const COURSES: readonly (readonly [string, Partial<PaymentCreate>, readonly Asked[], Outside])[] = [
  [
    'a sale, and two refunds',
    { capture: 'automatic' },
    [asking('refund', { amount: 300n }), asking('refund')],
    WILLING,
  ],
  [
    'an authorization, more of it, several captures and a refund',
    {},
    [
      asking('increment', { amount: 500n }),
      asking('capture', { amount: 1_200n, final: false }),
      asking('capture', { amount: 100n, final: true }),
      asking('refund'),
    ],
    WILLING,
  ],
  [
    'a capture and a refund of what was seen of the payment',
    {},
    [asking('capture', { amount: 400n, ifVersion: 1 }), asking('refund', { amount: 300n, ifVersion: 2 })],
    WILLING,
  ],
  ['one that is called off', { capture: 'manual' }, [asking('cancellation')], WILLING],
  ['one that is declined', {}, [], { ...WILLING, answers: () => ({ outcome: 'declined', code: 'card_declined' }) }],
  [
    'one between accounts',
    { method: { type: 'internal' } },
    [asking('capture', { amount: 400n }), asking('refund', { amount: 400n })],
    WILLING,
  ],
];

describe('what is done again asks for the same things under the same ids', () => {
  it.each(COURSES)('%s', (_, change, operations, outside) => {
    const create = { id: newId('payment'), source: newId('account'), destination: newId('account'), ...change };
    const [first, again] = [false, false].map((atOnce) => lived(create, operations, outside, atOnce));
    expect(first?.asked.length).toBeGreaterThan(1);
    expect(again?.asked).toEqual(first?.asked);
  });

  it.each(COURSES)('%s, where all of it comes at once', (_, change, operations, outside) => {
    const create = { id: newId('payment'), source: newId('account'), destination: newId('account'), ...change };
    const [first, again] = [false, true].map((atOnce) => lived(create, operations, outside, atOnce));
    expect(again?.asked).toHaveLength(first?.asked.length ?? 0);
    expect(again?.asked).toEqual(expect.arrayContaining(first?.asked ?? []));
    expect(again?.booked).toEqual(first?.booked);
  });

  it('an expiry, and what the ledger is asked for once more', () => {
    const create = { id: newId('payment'), source: newId('account'), destination: newId('account') };
    const play = () => {
      let times = 0;
      const stubborn: Outside = {
        ...WILLING,
        refuses: ({ type }) => (type === 'payflow.hold.void.v1' && times++ === 0 ? 'account_frozen' : null),
      };
      const life = new SimulatedLife(stubborn, create);
      life.drain();
      life.pass(30 * 24 * HOUR_MS);
      life.expire();
      life.drain();
      life.apply(remind);
      life.drain();
      expect(life.life.payment.status).toBe('expired');
      return life.asked;
    };
    expect(play()).toEqual(play());
  });
});

describe('the id of what a provider is asked', () => {
  const [tenant, operation] = [newId('tenant'), newUuid()];

  it('is another one for each time, mode, organisation and operation: a provider tells them apart by nothing else', () => {
    const ids = [
      attemptIdOf({ tenant, livemode: false }, operation, 1),
      attemptIdOf({ tenant, livemode: false }, operation, 2),
      attemptIdOf({ tenant, livemode: true }, operation, 1),
      attemptIdOf({ tenant: newId('tenant'), livemode: false }, operation, 1),
      attemptIdOf({ tenant, livemode: false }, newUuid(), 1),
    ];
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => /^att_/.test(id) && uuidOf('attempt', id)[14] === '7')).toBe(true);
  });
});

describe('the ids that the ledger is asked under', () => {
  it('are others in another mode and of another organisation, whose client chose the same ids', () => {
    const create = { id: newId('payment'), source: newId('account'), destination: newId('account') };
    const capture = asking('capture', { amount: 400n });
    const idsOf = (owner: { tenant: string; livemode: boolean }) => {
      const life = new SimulatedLife(WILLING, create, USUAL_TERMS, owner);
      life.drain();
      life.wish(capture.kind, { id: capture.id, ...capture.change });
      life.drain();
      return life.life.steps.flatMap(({ type, hold, transfer }) =>
        type === 'payflow.hold.place.v1' ? [hold] : [transfer],
      );
    };
    const one = { tenant: newId('tenant'), livemode: false };
    const ids = [one, { ...one, livemode: true }, { ...one, tenant: newId('tenant') }]
      .flatMap(idsOf)
      .filter((id) => id !== null);
    expect(ids.length).toBeGreaterThanOrEqual(6);
    expect(new Set(ids).size).toBe(ids.length);
    expect(idsOf(one)).toEqual(idsOf(one));
  });
});

describe('a refund of what is being captured', () => {
  it('waits for that, and is refused where it comes to nothing', () => {
    const isCaptured = { now: true };
    const life = new SimulatedLife({
      refuses: () => null,
      answers: () =>
        isCaptured.now ? { outcome: 'approved', code: null } : { outcome: 'declined', code: 'card_declined' },
    });
    life.drain();
    const wish = { final: true, reason: null, metadata: {}, createdAt: new Date().toISOString() };
    const refund = (amount: bigint | null) => {
      const id = newUuid();
      life.apply((now, moment) => ask(now, { kind: 'refund', id, amount, ...wish }, moment));
      return () => life.life.operations.find((one) => one.id === id);
    };
    life.wish('capture', { amount: 600n, final: false });
    const first = refund(600n);
    expect(first()?.status).toBe('queued');
    life.drain();
    expect(first()).toMatchObject({ status: 'succeeded' });
    isCaptured.now = false;
    life.wish('capture', { amount: 100n, final: false });
    const second = refund(50n);
    expect(second()?.status).toBe('queued');
    life.drain();
    expect(second()).toMatchObject({ status: 'failed', failureCode: 'refund_exceeds_captured' });
    expect(life.booked).toEqual({ taken: 600n, returned: 600n });
  });

  it('does not wait for anything where it is there already', () => {
    const life = new SimulatedLife(WILLING);
    life.drain();
    life.wish('capture', { amount: 600n, final: false });
    life.drain();
    life.wish('capture', { amount: 100n, final: false });
    life.wish('refund', { amount: 600n });
    expect(life.life.operations.find(({ kind }) => kind === 'refund')?.status).toBe('reserving');
  });
});
