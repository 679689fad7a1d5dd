import type { Sandbox } from '@payflow/testing';
import { House } from './house.js';
import { Merchant } from './merchant.js';
import type { ServerUrls } from './servers.js';
import type { Environment } from './service-process.js';
import { untilAnswered, type Answered } from './wish.js';

export const PAYMENTS_PATH = '/api/v1/payments';

/** The patience of a test: what takes a provider half a minute in earnest takes two seconds here, and is asked about at once. */
const IMPATIENT: Environment = {
  CARDS_TIME_LIMIT: '2s',
  PROVIDER_INQUIRY_DELAYS: '500ms,1s,2s,5s',
};
const LATE: Environment = { SANDBOX_LATE: '4s' };

/** A house with an acquirer outside of it, and a merchant who takes cards. */
export class CardHouse {
  private readonly others: CardHouse[] = [];

  private constructor(
    readonly house: House,
    readonly merchant: Merchant,
    /** What the acquirer owes the merchant. */
    readonly clearing: string,
  ) {}

  static async open(
    name: string,
    environment: Environment = {},
    { servers, sandbox }: { servers?: ServerUrls; sandbox?: Environment } = {},
  ): Promise<CardHouse> {
    const house = await House.open({
      name,
      environment: { ...IMPATIENT, ...environment },
      sandbox: { ...LATE, ...sandbox },
      ...(servers ? { servers, disposable: true } : {}),
    });
    try {
      return await CardHouse.at(house);
    } catch (error) {
      const told = house.failed(error);
      await house.close();
      throw told;
    }
  }

  private static async at(house: House): Promise<CardHouse> {
    const merchant = await Merchant.open(house.databases, house.api, 8);
    const account = { asset: 'USD', kind: 'asset', overdraft: 'unbounded' };
    const { status, body } = await untilAnswered(merchant.api, '/api/v1/accounts', account);
    if (status !== 201) throw new Error(`no clearing account: ${JSON.stringify(body)}`);
    return new CardHouse(house, merchant, body['id'] as string);
  }

  /** The same house for one merchant more, who has a test clock of their own. Goes with the first. */
  async forAnother(): Promise<CardHouse> {
    const other = await CardHouse.at(this.house);
    this.others.push(other);
    return other;
  }

  get sandbox(): Sandbox {
    return this.house.sandbox;
  }

  /** A payment by card to one of the merchant's accounts; what is not said is the plainest. */
  pay(how: {
    amount: string;
    token?: string;
    brand?: string;
    capture?: string;
    destination?: string;
  }): Promise<Answered> {
    const { amount, token = 'tok_visa', brand, capture = 'automatic', destination = this.merchant.accounts[0] } = how;
    const method = { type: 'card', token, ...(brand === undefined ? {} : { brand }) };
    const body = { source: this.clearing, destination, amount, asset: 'USD', method, capture };
    return untilAnswered(this.merchant.api, PAYMENTS_PATH, body);
  }

  /** Something asked of a payment that is there: `capture`, `refunds`, `cancel` … */
  ask(payment: string, operation: string, body: object = {}, ifMatch?: string): Promise<Answered> {
    return untilAnswered(this.merchant.api, `${PAYMENTS_PATH}/${payment}/${operation}`, body, { ifMatch });
  }

  async close(): Promise<void> {
    for (const { merchant } of [this, ...this.others]) merchant.close();
    await this.house.close();
  }
}
