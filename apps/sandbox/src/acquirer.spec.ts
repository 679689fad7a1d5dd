import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Acquirer, CUSTOMER_APPROVES, CUSTOMER_DENIES } from './acquirer.js';
import { kept } from './domain/authorization.js';
import { booksOf } from './domain/books.js';
import type { Asked, Wish } from './domain/operation.js';
import { openJournal } from './journal.js';
import { Problem } from './problems.js';
import { PLAIN, SCENARIOS, type Scenario } from './scenarios.js';

function open(): Acquirer {
  return new Acquirer({
    journal: openJournal(undefined),
    links: { actionUrl: (id) => `http://bank/${id}` },
    authorizationValid_ms: 1_000,
  });
}

let keys = 0;
function wish(type: Asked, given: Partial<Wish> = {}): Wish {
  const isNew = type === 'authorize' || type === 'sale';
  return {
    type,
    idempotencyKey: `key_${(keys += 1)}`,
    fingerprint: 'f',
    target: null,
    amount: type === 'void' || type === 'evidence' ? null : 1_000n,
    currency: type === 'void' || type === 'evidence' ? null : 'USD',
    merchantReference: isNew ? 't/test/pay_1' : null,
    token: isNew ? 'tok_visa' : null,
    isFinal: false,
    evidence: type === 'evidence' ? { note: 'delivered' } : null,
    ...given,
  };
}

const idOf = (acquirer: Acquirer) => [...acquirer.authorizations.keys()][0] ?? '';
const named = (name: string) => SCENARIOS.find((scenario) => scenario.name === name) as Scenario;

describe('the acquirer', () => {
  it('keeps the answer under the key, a refusal too', () => {
    const acquirer = open();
    const sale = wish('sale');
    const { answer } = acquirer.perform(sale, PLAIN);
    expect(acquirer.keptUnder(sale.idempotencyKey)?.answer).toBe(answer);
    const tooMuch = wish('refund', { target: idOf(acquirer), amount: 1_001n });
    expect(acquirer.perform(tooMuch, PLAIN).answer.status).toBe(422);
    expect(acquirer.keptUnder(tooMuch.idempotencyKey)?.operation).toMatchObject({
      status: 'declined',
      declineCode: 'refund_exceeds_captured',
    });
  });

  it('refuses another currency, and what is not there', () => {
    const acquirer = open();
    acquirer.perform(wish('authorize'), PLAIN);
    const { answer } = acquirer.perform(wish('capture', { target: idOf(acquirer), currency: 'EUR' }), PLAIN);
    expect(JSON.parse(answer.body)).toMatchObject({ status: 422, code: 'currency_differs' });
    expect(() => acquirer.perform(wish('capture', { target: 'auth_none' }), PLAIN)).toThrow(new Problem('not_found'));
  });

  it('declines an operation and moves nothing', () => {
    const acquirer = open();
    acquirer.perform(wish('sale'), PLAIN);
    const { answer, events } = acquirer.perform(
      wish('refund', { target: idOf(acquirer) }),
      named('decline_do_not_honor'),
    );
    expect(JSON.parse(answer.body)).toMatchObject({ status: 'declined', decline_code: 'do_not_honor' });
    expect(events.map(({ type }) => type)).toEqual(['refund.completed']);
    expect(acquirer.books.get('USD')?.refunded).toBe(0n);
  });

  it('takes a disputed sum at once, and gives it back when the merchant wins', () => {
    const acquirer = open();
    acquirer.perform(wish('sale'), PLAIN);
    const opened = acquirer.openDispute(idOf(acquirer), { amount: 400n, reason: 'fraudulent' });
    const id = (JSON.parse(opened.answer.body) as { id: string }).id;
    expect(acquirer.books.get('USD')).toMatchObject({ disputed: 400n, disputeReversed: 0n });
    acquirer.perform(wish('evidence', { target: id }), PLAIN);
    expect(acquirer.disputes.get(id)?.evidence).toEqual({ note: 'delivered' });
    expect(acquirer.decideDispute(id, 'won').events[0]?.type).toBe('dispute.won');
    expect(acquirer.books.get('USD')).toMatchObject({ disputed: 400n, disputeReversed: 400n });
    expect(() => acquirer.decideDispute(id, 'lost')).toThrow(new Problem('dispute_decided'));
    expect(acquirer.perform(wish('evidence', { target: id }), PLAIN).answer.status).toBe(422);
  });

  it('counts two grants under one reference as a double charge, and a voided one not', () => {
    const acquirer = open();
    acquirer.perform(wish('authorize'), PLAIN);
    acquirer.perform(wish('sale'), PLAIN);
    expect(acquirer.check().doubleCharges).toEqual(['t/test/pay_1']);
    acquirer.perform(wish('void', { target: idOf(acquirer) }), PLAIN);
    expect(acquirer.check().doubleCharges).toEqual([]);
  });
});

type Step = {
  readonly type: Asked | 'approve' | 'deny' | 'dispute' | 'win' | 'lose';
  readonly amount: number;
  readonly at: number;
  readonly final: boolean;
  readonly scenario: number;
};

const step: fc.Arbitrary<Step> = fc.record({
  type: fc.constantFrom<Step['type']>(
    'authorize',
    'sale',
    'increment',
    'capture',
    'capture',
    'void',
    'refund',
    'refund',
    'evidence',
    'approve',
    'deny',
    'dispute',
    'win',
    'lose',
  ),
  amount: fc.integer({ min: 1, max: 1_200 }),
  at: fc.nat(),
  final: fc.boolean(),
  scenario: fc.nat(),
});

function take(acquirer: Acquirer, { type, amount, at, final, scenario }: Step, now: number): void {
  const pick = (ids: Iterable<string>) => {
    const all = [...ids];
    return all[at % Math.max(all.length, 1)] ?? 'none';
  };
  const authorization = pick(acquirer.authorizations.keys());
  const dispute = pick(acquirer.disputes.keys());
  switch (type) {
    case 'approve':
      return void acquirer.completeAction(authorization, CUSTOMER_APPROVES, now);
    case 'deny':
      return void acquirer.completeAction(authorization, CUSTOMER_DENIES, now);
    case 'dispute':
      return void acquirer.openDispute(authorization, { amount: BigInt(amount), reason: 'fraudulent' }, now);
    case 'win':
    case 'lose':
      return void acquirer.decideDispute(dispute, type === 'win' ? 'won' : 'lost', now);
    default: {
      const isNew = type === 'authorize' || type === 'sale';
      const playable = [PLAIN, PLAIN, PLAIN, ...SCENARIOS.filter(({ on }) => on.includes(type))];
      const asked = wish(type, {
        target: isNew ? null : type === 'evidence' ? dispute : authorization,
        isFinal: final,
        ...(type === 'void' || type === 'evidence'
          ? {}
          : { amount: BigInt(amount), currency: at % 5 === 0 ? 'EUR' : 'USD' }),
      });
      acquirer.perform(asked, playable[scenario % playable.length] ?? PLAIN, now);
    }
  }
}

describe('any sequence of operations', () => {
  it('keeps captured within the tolerance and gives back no more than was captured; the books add up', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const acquirer = open();
        steps.forEach((one, index) => {
          try {
            take(acquirer, one, 1_000 + index * 40);
          } catch (error) {
            if (!(error instanceof Problem)) throw error;
          }
        });
        expect(acquirer.check().problems).toEqual([]);
        expect(booksOf(acquirer.operations)).toEqual(acquirer.books);
        for (const { sums } of acquirer.authorizations.values()) {
          expect(sums.captured * 100n <= sums.authorized * 115n).toBe(true);
          expect(sums.refunded <= sums.captured).toBe(true);
          expect(kept(sums) >= 0n).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});
