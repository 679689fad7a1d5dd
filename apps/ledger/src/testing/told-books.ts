import type { AccountCounters, MessageData } from '@payflow/contracts';
import type { AnyOutgoing } from '@payflow/messaging';
import type { Basis } from '../database/balance-sums.js';

/** A transfer as an event told of it. */
export interface ToldTransfer {
  readonly id: string;
  readonly debit: string;
  readonly credit: string;
  readonly amount: bigint;
  readonly recordedAt: string;
  readonly effectiveAt: string;
}

type Movement = MessageData['payflow.transfer.posted.v1'] | MessageData['payflow.hold.posted.v1'];
type Sums = readonly [debits: bigint, credits: bigint];

/** The ledger's history as somebody knows it who has only heard its events. */
export class ToldBooks {
  readonly transfers: ToldTransfer[] = [];
  readonly #counters = new Map<string, { at: string; sums: Sums }[]>();

  hear(messages: readonly AnyOutgoing[]): void {
    for (const { type, data } of messages) {
      switch (type) {
        case 'payflow.transfer.posted.v1':
          this.#moved(data, data.id, data.amount);
          this.#counted([data.debit_account, data.credit_account], data.recorded_at);
          break;
        case 'payflow.hold.posted.v1':
          this.#moved(data, data.transfer, data.transferred);
          this.#counted([data.debit_account, data.credit_account], data.recorded_at);
          break;
        case 'payflow.group.posted.v1':
          this.#grouped(data);
          break;
        default:
      }
    }
  }

  /** Every instant at which something was recorded or took effect. */
  instants(): string[] {
    const all = this.transfers.flatMap(({ recordedAt, effectiveAt }) => [recordedAt, effectiveAt]);
    return [...new Set(all)].sort();
  }

  /** What the last event up to an instant told of an account's counters. */
  told(account: string, at: string): Sums {
    return this.#counters.get(account)?.findLast((one) => one.at <= at)?.sums ?? [0n, 0n];
  }

  /** What an account's transfers come to. */
  summed(account: string, at: string, basis: Basis): Sums {
    const counted = this.transfers.filter((one) => (basis === 'recorded' ? one.recordedAt : one.effectiveAt) <= at);
    const sum = (side: 'debit' | 'credit') =>
      counted.filter((one) => one[side] === account).reduce((total, { amount }) => total + amount, 0n);
    return [sum('debit'), sum('credit')];
  }

  #grouped({ legs, accounts, effective_at, recorded_at }: MessageData['payflow.group.posted.v1']): void {
    for (const { id, debit_account, credit_account, amount, effective_at: of_leg } of legs)
      this.transfers.push({
        id,
        debit: debit_account,
        credit: credit_account,
        amount: BigInt(amount),
        recordedAt: recorded_at,
        effectiveAt: of_leg ?? effective_at,
      });
    this.#counted(accounts, recorded_at);
  }

  #moved({ debit_account, credit_account, recorded_at }: Movement, id: string, amount: string): void {
    this.transfers.push({
      id,
      debit: debit_account.id,
      credit: credit_account.id,
      amount: BigInt(amount),
      recordedAt: recorded_at,
      effectiveAt: recorded_at,
    });
  }

  #counted(accounts: readonly AccountCounters[], at: string): void {
    for (const { id, posted_debits, posted_credits } of accounts) {
      const told = this.#counters.get(id) ?? [];
      this.#counters.set(id, [...told, { at, sums: [BigInt(posted_debits), BigInt(posted_credits)] }]);
    }
  }
}
