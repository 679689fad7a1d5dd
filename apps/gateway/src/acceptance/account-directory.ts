import type { Database } from '@payflow/database';
import { Problem, type FieldProblem } from '@payflow/service';
import { LRUCache } from 'lru-cache';
import { findAccountFacts, type AccountFacts } from '../database/account-view.repository.js';
import { keyOf, type Owner, type ResourceKey } from '../database/keys.js';
import type { PaymentView } from '../domain/payment.js';
import type { NamedAccount } from './acceptable.js';
import { Coalescer } from './coalescer.js';

/** About 150 bytes each: the accounts that are paid from and to again and again. */
const ACCOUNTS_MAX = 100_000;
/** Of a group with a thousand wrong legs, the first say enough. */
const ERRORS_MAX = 50;

/** What the gateway knows of open accounts. The facts never change, so they may be kept for ever; an unknown account is looked up each time. */
export class AccountDirectory {
  readonly #known = new LRUCache<string, AccountFacts>({ max: ACCOUNTS_MAX });
  readonly #lookup: Coalescer<ResourceKey, AccountFacts>;

  constructor(db: Database) {
    this.#lookup = new Coalescer(keyOf, (keys) => findAccountFacts(db, keys));
  }

  /** Throws the 422 that a payment between unknown accounts, or in another asset than theirs, deserves. */
  async check(payment: PaymentView): Promise<void> {
    const { tenant, livemode, asset } = payment;
    const source = this.#known.get(keyOf({ tenant, livemode, id: payment.source }));
    const destination = this.#known.get(keyOf({ tenant, livemode, id: payment.destination }));
    // Without a lookup there is nothing to wait for: the usual payment passes without a promise more.
    if (source?.asset === asset && destination?.asset === asset) return;
    refuse([
      ['/source', source ?? (await this.#find({ tenant, livemode, id: payment.source })), asset],
      ['/destination', destination ?? (await this.#find({ tenant, livemode, id: payment.destination })), asset],
    ]);
  }

  /** Throws the 422 that a request deserves which names unknown accounts, or keeps them in another asset than they are. */
  async checkAll({ tenant, livemode }: Owner, named: readonly NamedAccount[]): Promise<void> {
    const checked = await Promise.all(
      named.map(async ({ pointer, id, asset }): Promise<Checked> => {
        const key = { tenant, livemode, id };
        return [pointer, this.#known.get(keyOf(key)) ?? (await this.#find(key)), asset];
      }),
    );
    refuse(checked);
  }

  async #find(key: ResourceKey): Promise<AccountFacts | undefined> {
    const facts = await this.#lookup.get(key);
    if (facts) this.#known.set(keyOf(key), facts);
    return facts;
  }
}

type Checked = readonly [pointer: string, facts: AccountFacts | undefined, asset: string | null];

function refuse(accounts: readonly Checked[]): void {
  const missing = accounts.filter(([, facts]) => !facts).slice(0, ERRORS_MAX);
  if (missing.length > 0)
    throw new Problem('account_not_found', { errors: missing.map(([pointer]) => notFound(pointer)) });
  const others = accounts.filter(([, facts, asset]) => asset !== null && facts?.asset !== asset).slice(0, ERRORS_MAX);
  if (others.length > 0) throw new Problem('assets_differ', { errors: others.map(([pointer]) => otherAsset(pointer)) });
}

const notFound = (pointer: string): FieldProblem => ({
  pointer,
  code: 'account_not_found',
  detail: 'No such open account.',
});
const otherAsset = (pointer: string): FieldProblem => ({
  pointer,
  code: 'assets_differ',
  detail: 'The account is kept in another asset.',
});
