import { fromUuid, newId, uuidOf, type AnyMessage, type Leg, type MessageData } from '@payflow/contracts';
import { chainOf } from '../database/chain.js';
import type { LedgerCommand, LedgerCommandType } from '../domain/decide.js';

const CREATED_AT = '2026-11-21T12:00:00.000Z';

type OnlyNew<T> = Partial<T>;

/** Commands of one tenant, as the gateway and payments would send them. */
export class CommandsOf {
  constructor(
    readonly tenant = newId('tenant'),
    readonly livemode = false,
  ) {}

  open(id: string, change: OnlyNew<MessageData['payflow.account.open.v1']> = {}) {
    const terms = { kind: 'liability', overdraft: 'none', overdraft_limit: '0' } as const;
    const facts = { id, path: null, asset: 'USD', metadata: {}, created_at: CREATED_AT };
    return this.command('payflow.account.open.v1', { ...facts, ...terms, ...change });
  }

  update(id: string, change: OnlyNew<MessageData['payflow.account.update.v1']>) {
    const nothing = { state: null, overdraft: null, overdraft_limit: null, metadata: null, if_version: null };
    return this.command('payflow.account.update.v1', { id, ...nothing, ...change });
  }

  define(id: string, change: OnlyNew<MessageData['payflow.asset.define.v1']> = {}) {
    return this.command('payflow.asset.define.v1', {
      id,
      scale: 0,
      name: 'Points',
      created_at: CREATED_AT,
      ...change,
    });
  }

  transfer(
    debit: string,
    credit: string,
    amount: string,
    change: OnlyNew<MessageData['payflow.transfer.post.v1']> = {},
  ) {
    const facts = { id: newId('transfer'), payment: null, asset: 'USD', valid_until: null };
    return this.command('payflow.transfer.post.v1', {
      ...facts,
      debit_account: debit,
      credit_account: credit,
      amount,
      ...change,
    });
  }

  group(legs: readonly Leg[], change: OnlyNew<MessageData['payflow.group.post.v1']> = {}) {
    const facts = { id: newId('group'), conditions: [], effective_at: null, metadata: {} };
    return this.command('payflow.group.post.v1', { ...facts, legs, ...change });
  }

  /** 100 of the source into the destination, one for one, unless it is said otherwise. */
  convert(
    between: Pick<
      MessageData['payflow.conversion.post.v1'],
      'source' | 'source_liquidity' | 'destination_liquidity' | 'destination'
    >,
    change: OnlyNew<MessageData['payflow.conversion.post.v1']> = {},
  ) {
    return this.command('payflow.conversion.post.v1', {
      id: newId('group'),
      transfers: [newId('transfer'), newId('transfer')],
      ...between,
      source_asset: 'USD',
      destination_asset: 'EUR',
      source_amount: '100',
      rate: { numerator: '1', denominator: '1' },
      metadata: {},
      ...change,
    });
  }

  reverse(
    original: { readonly id: string; readonly debit: string; readonly credit: string },
    amount: string | null,
    change: OnlyNew<MessageData['payflow.transfer.reverse.v1']> = {},
  ) {
    const transfer = newId('transfer');
    return this.command('payflow.transfer.reverse.v1', {
      id: fromUuid('group', uuidOf('transfer', transfer)),
      transfer,
      original: original.id,
      debit_account: original.debit,
      credit_account: original.credit,
      amount,
      metadata: {},
      ...change,
    });
  }

  /** Corrects a transfer to another amount between its accounts (null: what is left of it), or to what `change` says. */
  correct(
    original: { readonly id: string; readonly debit: string; readonly credit: string },
    amount: string | null,
    change: OnlyNew<MessageData['payflow.transfer.correct.v1']> = {},
  ) {
    const accounts = { debit_account: original.debit, credit_account: original.credit };
    const replacement = { id: newId('transfer'), ...accounts, amount, asset: 'USD' };
    return this.command('payflow.transfer.correct.v1', {
      id: fromUuid('group', uuidOf('transfer', replacement.id)),
      original: original.id,
      ...accounts,
      reversal: newId('transfer'),
      replacement,
      effective_at: null,
      metadata: {},
      ...change,
    });
  }

  /** Gives a transfer other metadata. */
  annotate(
    transfer: { readonly id: string; readonly debit: string },
    metadata: Record<string, string>,
    if_version: number | null = null,
  ) {
    const { id, debit: debit_account } = transfer;
    return this.command('payflow.transfer.update.v1', { id, debit_account, metadata, if_version });
  }

  hold(debit: string, credit: string, amount: string, change: OnlyNew<MessageData['payflow.hold.place.v1']> = {}) {
    const facts = { id: newId('hold'), payment: null, asset: 'USD', expires_at: null, valid_until: null };
    return this.command('payflow.hold.place.v1', {
      ...facts,
      debit_account: debit,
      credit_account: credit,
      amount,
      ...change,
    });
  }

  postHold(
    hold: { readonly id: string; readonly debit: string; readonly credit: string },
    amount: string | null,
    final = true,
    change: OnlyNew<MessageData['payflow.hold.post.v1']> = {},
  ) {
    return this.command('payflow.hold.post.v1', {
      id: newId('transfer'),
      hold: hold.id,
      debit_account: hold.debit,
      credit_account: hold.credit,
      amount,
      final,
      ...change,
    });
  }

  voidHold(
    hold: { readonly id: string; readonly debit: string; readonly credit: string },
    expired = false,
    change: OnlyNew<MessageData['payflow.hold.void.v1']> = {},
  ) {
    return this.command('payflow.hold.void.v1', {
      id: hold.id,
      debit_account: hold.debit,
      credit_account: hold.credit,
      expired,
      ...change,
    });
  }

  closePeriod(month: string, change: OnlyNew<MessageData['payflow.period.close.v1']> = {}) {
    return this.command('payflow.period.close.v1', { id: month, ...change });
  }

  defineType(id: string, change: OnlyNew<MessageData['payflow.transaction_type.define.v1']> = {}) {
    const anything = { debit: null, credit: null, template: null, if_version: null };
    return this.command('payflow.transaction_type.define.v1', { id, ...anything, ...change });
  }

  private command<T extends LedgerCommandType>(type: T, data: MessageData[T]): AnyMessage<T> & LedgerCommand {
    const id = newId('event');
    return {
      id,
      type,
      data,
      tenant: this.tenant,
      livemode: this.livemode,
      subject: data.id,
      key: keyOf(data),
      aggregateVersion: 0,
      causationId: id,
      correlationId: id,
      actor: 'spec',
      time: CREATED_AT,
      traceparent: undefined,
      tracestate: undefined,
    } as unknown as AnyMessage<T> & LedgerCommand;
  }
}

function keyOf(data: MessageData[LedgerCommandType]): string {
  if ('debit_account' in data) return data.debit_account;
  return 'source' in data ? data.source : data.id;
}

export function leg(debit: string, credit: string, amount: string, change: OnlyNew<Leg> = {}): Leg {
  return {
    id: newId('transfer'),
    debit_account: debit,
    credit_account: credit,
    amount,
    asset: 'USD',
    up_to: false,
    ...change,
  };
}

/** An account whose batches do not wait for those of the other: a batch holds the head of its chain until it ends. */
export function onAnotherChainThan(account: string): string {
  for (;;) {
    const id = newId('account');
    if (chainOf(id) !== chainOf(account)) return id;
  }
}
