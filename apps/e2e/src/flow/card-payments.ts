import { uuidOf } from '@payflow/contracts';
import { until, type Sandbox } from '@payflow/testing';
import { expect } from 'vitest';
import { outsideFindings } from '../books/outside-books.js';
import { jsonOf } from '../house/api-client.js';
import { PAYMENTS_PATH, type CardHouse } from '../house/card-house.js';
import { untilAnswered, type Answered } from '../house/wish.js';

export const SETTLED_WITHIN_MS = 60_000;
/** What the gateway says where it has no time, or its database has none. */
const NO_TIME: readonly number[] = [429, 503];

export type Body = Readonly<Record<string, unknown>>;

interface Leg {
  readonly debit_account: string;
  readonly credit_account: string;
  readonly amount: string;
}

/** Where a payment's money is, sums as digits. */
export interface Moved {
  readonly captured: string;
  readonly refunded?: string;
  /** What the ledger booked, where that is more than one movement each way. */
  readonly legs?: readonly string[];
}

/** A movement as {@link CardPayments.legs} tells it. */
export const taken = (amount: string): string => `acquirer → merchant ${amount}`;
export const givenBack = (amount: string): string => `merchant → acquirer ${amount}`;

/** Card payments at one house, and each as the API, the ledger and the acquirer have it. */
export class CardPayments {
  constructor(private readonly desk: CardHouse) {}

  /** The id of one that is authorized, and not captured yet. */
  async authorized(amount: string, capture = 'manual', token = 'tok_visa'): Promise<string> {
    const { status, body } = await this.desk.pay({ amount, capture, token });
    expect([status, body['status']]).toEqual([201, 'authorized']);
    return body['id'] as string;
  }

  /** The id of one that was captured at once. */
  async captured(amount: string, token = 'tok_visa'): Promise<string> {
    const { status, body } = await this.desk.pay({ amount, token });
    expect([status, body['status']]).toEqual([201, 'succeeded']);
    return body['id'] as string;
  }

  async shown(id: string): Promise<Body> {
    return this.read(`/${id}?expand=transfers,refunds,captures`);
  }

  /** What was asked of providers, first to last. */
  async attempts(id: string): Promise<readonly Body[]> {
    return (await this.read<{ data: Body[] }>(`/${id}/attempts?limit=100`)).data;
  }

  /** The same in words, without why and by whom. */
  async asked(id: string): Promise<readonly string[]> {
    return (await this.attempts(id)).map(({ action, status }) => `${String(action)} ${String(status)}`);
  }

  becomes(id: string, status: string): Promise<unknown> {
    return until(`${id} is ${status}`, async () => (await this.shown(id))['status'] === status, SETTLED_WITHIN_MS);
  }

  /** What the ledger booked for it, from whom to whom, as the API shows it. */
  async legs(id: string): Promise<readonly string[]> {
    const { merchant, clearing } = this.desk;
    const names = new Map([
      [clearing, 'acquirer'],
      [merchant.accounts[0], 'merchant'],
    ]);
    const { transfers } = (await this.shown(id)) as unknown as { readonly transfers: readonly Leg[] };
    return transfers.map(({ debit_account: from, credit_account: to, amount }) =>
      [names.get(from) ?? from, '→', names.get(to) ?? to, amount].join(' '),
    );
  }

  /** Waits until as much is shown as is expected: the views of transfers come from the ledger, beside those of payments. */
  async expectLegs(id: string, expected: readonly string[]): Promise<void> {
    const isShown = async () => (await this.legs(id)).length >= expected.length;
    await until(`the transfers of ${id} are shown`, isShown).catch(() => undefined);
    expect((await this.legs(id)).toSorted()).toEqual(expected.toSorted());
  }

  /** What it moved from the clearing account, less what it moved back, as the ledger has it. */
  cleared(id: string): Promise<string> {
    return this.desk.house.databases.value<string>(
      'ledger',
      `select coalesce(sum(case when debit_account_id = $1 then amount_minor else -amount_minor end), 0)::text
       from transfers where payment_id = $2 and $1 in (debit_account_id, credit_account_id)`,
      [uuidOf('account', this.desk.clearing), uuidOf('payment', id)],
    );
  }

  /** What the acquirer says it moved for it. */
  async outside(id: string): Promise<Body | undefined> {
    return (await this.desk.sandbox.books(`${this.desk.merchant.tenant}/test/${id}`))[0] as Body | undefined;
  }

  /** The payment as the API, the ledger and the acquirer have it. */
  async expectMoved(id: string, status: string, { captured, refunded = '0', legs }: Moved): Promise<void> {
    expect(await this.shown(id)).toMatchObject({ status, amount_captured: captured, amount_refunded: refunded });
    expect(await this.cleared(id)).toBe((BigInt(captured) - BigInt(refunded)).toString());
    const plain = [...(captured === '0' ? [] : [taken(captured)]), ...(refunded === '0' ? [] : [givenBack(refunded)])];
    await this.expectLegs(id, legs ?? plain);
    const page = await this.outside(id);
    expect([page?.['captured'] ?? '0', page?.['refunded'] ?? '0']).toEqual([captured, refunded]);
  }

  /** The cardholder's bank takes a sum back: the dispute as the API shows it, and its id at the acquirer. */
  async disputed(id: string, amount: string): Promise<{ readonly dispute: Body; readonly outside: string }> {
    const reference = await this.desk.house.databases.value<string>(
      'payments',
      'select provider_reference from payments where id = $1',
      [uuidOf('payment', id)],
    );
    const { id: outside } = await this.desk.sandbox.openDispute(reference, { amount });
    return { dispute: await this.disputeIn(id, { status: 'needs_response', leg: 'taken' }), outside };
  }

  /** Waits until the payment has a dispute in such a state. */
  disputeIn(id: string, state: Body): Promise<Body> {
    return until(
      `a dispute is ${JSON.stringify(state)}`,
      async () => {
        const { data } = await this.read<{ data: Body[] }>(`/${id}/disputes`);
        return data.find((dispute) => Object.entries(state).every(([name, value]) => dispute[name] === value));
      },
      SETTLED_WITHIN_MS,
    );
  }

  answer(dispute: Body, evidence: object): Promise<Answered> {
    return untilAnswered(this.desk.merchant.api, `/api/v1/disputes/${String(dispute['id'])}/evidence`, evidence);
  }

  /** Asked again where the gateway has no time just then: many cells read at once. */
  private async read<T = Body>(path: string): Promise<T> {
    const reply = await until(
      `${path} is answered`,
      async () => {
        const answer = await this.desk.merchant.api.call(PAYMENTS_PATH + path);
        return answer.kind === 'answer' && !NO_TIME.includes(answer.status) ? answer : undefined;
      },
      SETTLED_WITHIN_MS,
    );
    return jsonOf<T>(reply);
  }
}

/** At the end: the acquirers and the books are of one mind, to the unit, and every rule is kept. */
export async function expectOneMind(desk: CardHouse, others: readonly Sandbox[] = []): Promise<void> {
  const findings = () => outsideFindings(desk, { others });
  await until('nothing differs', async () => (await findings()).length === 0, SETTLED_WITHIN_MS).catch(() => undefined);
  expect(await findings()).toEqual([]);
  await desk.house.untilCaughtUp();
  await desk.house.verify();
}
