import { jsonOf } from './api-client.js';
import { askedAtOnce, intentOf, type Count, type Intent } from './intent.js';
import type { Merchant } from './merchant.js';
import type { Random } from './random.js';

const COPIES_MAX = 50;
/** Names that a tenant may give are few, and kept for ever. */
const NAMING_ERRANDS = 20;
/** What an account has when its errand is over: see the sums beside each step. */
const BALANCE = 737;

interface Resource {
  readonly id: string;
  readonly payment?: { readonly id: string };
  readonly [field: string]: unknown;
}

/** What an errand has left. */
export interface Done {
  readonly account: string;
  readonly intents: readonly Intent[];
  /** What it should have, and what holds up of it. */
  readonly balance: number;
}

/**
 * All kinds of changes, one after the other, on an account of their own; each of them asked for by up to fifty copies at once. The
 * account's balance then tells whether each of them was done once.
 */
export class Errand {
  private readonly intents: Intent[] = [];

  constructor(
    private readonly merchant: Merchant,
    private readonly random: Random,
    private readonly count: Count,
    private readonly number: number,
  ) {}

  async run(): Promise<Done> {
    const { merchant } = this;
    const [rich = '', other = ''] = this.random.pair(merchant.accounts);
    const { id: account, version } = await this.post('/accounts', { asset: 'USD', metadata: { of: 'errands' } }, 201);
    const patched = await this.patch(`/accounts/${account}`, { metadata: { at: String(this.number) } });
    if (patched['version'] !== (version as number) + 1) throw new Error(`${account} was changed more than once`);
    await this.pay({ source: rich, destination: account, amount: '1000' });
    await this.transfers(account, other);
    await this.holds(account, other);
    await this.payments(account, other);
    await this.rest(account, other);
    return { account, intents: this.intents, balance: BALANCE };
  }

  /** −90, −40 and −3. */
  private async transfers(account: string, other: string): Promise<void> {
    const terms = { debit_account: account, credit_account: other, asset: 'USD' };
    const first = transferOf(await this.post('/transfers', { legs: [{ ...terms, amount: '100' }] }, 201));
    await this.patch(`/transfers/${first}`, { metadata: { at: String(this.number) } });
    await this.post(`/transfers/${first}/reverse`, { amount: '10' }, 201);
    const second = transferOf(await this.post('/transfers', { legs: [{ ...terms, amount: '50' }] }, 201));
    await this.post(`/transfers/${second}/correct`, { amount: '40' }, 201);
    const transfers = Array<object>(3).fill({ ...terms, amount: '1' });
    await this.post('/transfers/bulk', { mode: 'independent', transfers });
  }

  /** −50. */
  private async holds(account: string, other: string): Promise<void> {
    const terms = { debit_account: account, credit_account: other, asset: 'USD' };
    const kept = await this.post('/holds', { ...terms, amount: '200' }, 201);
    await this.post(`/holds/${kept.id}/post`, { amount: '50', final: true });
    const freed = await this.post('/holds', { ...terms, amount: '100' }, 201);
    await this.post(`/holds/${freed.id}/void`, {});
  }

  /** −100, +50 and −30; the rest is called off, or refused. */
  private async payments(source: string, destination: string): Promise<void> {
    const held = await this.pay({ source, destination, amount: '300', capture: 'manual' });
    await this.post(`/payments/${held}/increment`, { amount: '20' });
    await this.post(`/payments/${held}/capture`, { amount: '100', final: true });
    await this.post(`/payments/${held}/refunds`, { amount: '50' });
    const given = await this.pay({ source, destination, amount: '60', capture: 'manual' });
    await this.post(`/payments/${given}/cancel`, {});
    const waiting = await this.pay({ source, destination, amount: '30', confirm: false });
    await this.post(`/payments/${waiting}/confirm`, {});
    const refused = await this.pay({ source: this.merchant.pauper, destination, amount: '7' }, 402);
    await this.post(`/payments/${refused}/retry`, {}, 402);
  }

  /** What ends at the gateway itself, and what is named for ever. */
  private async rest(account: string, other: string): Promise<void> {
    await this.post('/test/clock', { advance_seconds: 1 });
    if (this.number >= NAMING_ERRANDS) return;
    await this.post('/assets', { code: `ERRAND${this.number}`, scale: 0, name: 'Of an errand' }, 201);
    await this.post(
      '/transaction_types',
      { id: `errand_${this.number}`, debit: [{ path: `${account}:${other}` }] },
      201,
    );
  }

  private async pay(terms: object, expected = 201): Promise<string> {
    const { id, payment } = await this.post(
      '/payments',
      { asset: 'USD', method: { type: 'internal' }, ...terms },
      expected,
    );
    return payment?.id ?? id;
  }

  private post(path: string, body: object, expected?: number): Promise<Resource> {
    return this.ask(intentOf(`/api/v1${path}`, body), expected);
  }

  private patch(path: string, body: object): Promise<Resource> {
    return this.ask(intentOf(`/api/v1${path}`, body, { method: 'PATCH', headers: { 'if-match': '*' } }), 200);
  }

  private async ask(intent: Intent, expected?: number): Promise<Resource> {
    const copies = 1 + this.random.below(COPIES_MAX);
    const answer = await askedAtOnce(this.merchant.api, intent, copies, this.count);
    const { status, body } = answer;
    if (expected === undefined ? status >= 300 : status !== expected)
      throw new Error(`${intent.path} was answered ${status} ${body.toString()}`);
    this.intents.push(intent);
    return jsonOf<Resource>(answer);
  }
}

function transferOf({ transfers }: Resource): string {
  return (transfers as { id: string }[])[0]?.id ?? '';
}
