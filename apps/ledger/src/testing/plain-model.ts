import type { Leg, MessageData } from '@payflow/contracts';
import type { LedgerCommand, LedgerCommandType } from '../domain/decide.js';

/** What it knows. */
const PLAIN = [
  'payflow.account.open.v1',
  'payflow.transfer.post.v1',
  'payflow.group.post.v1',
  'payflow.transfer.reverse.v1',
  'payflow.hold.place.v1',
  'payflow.hold.post.v1',
  'payflow.hold.void.v1',
] as const satisfies readonly LedgerCommandType[];

type PlainType = (typeof PLAIN)[number];
export type PlainCommand = Extract<LedgerCommand, { type: PlainType }>;

export function isPlain(command: LedgerCommand): command is PlainCommand {
  return (PLAIN as readonly string[]).includes(command.type);
}

/** What became of a command: what it moved or set aside, or why it did not. */
export type Outcome = { readonly amounts: readonly bigint[]; readonly why?: string } | { readonly why: string };

interface Purse {
  debits: bigint;
  credits: bigint;
  heldDebits: bigint;
  heldCredits: bigint;
  readonly growsByDebits: boolean;
  /** How far it may fall below zero; null: as far as it likes. */
  readonly limit: bigint | null;
}

interface Held {
  readonly from: string;
  readonly to: string;
  left: bigint;
  isPending: boolean;
}

interface Paid {
  readonly from: string;
  readonly to: string;
  readonly amount: bigint;
  readonly isBack: boolean;
  back: bigint;
}

/**
 * The books once more, as plainly as their rules can be said and with no line of the product's own: open accounts of one asset, one
 * command at a time. A rule that is wrong in the product is wrong on one side only.
 */
export class PlainModel {
  readonly purses = new Map<string, Purse>();
  private readonly holds = new Map<string, Held>();
  private readonly paid = new Map<string, Paid>();
  private readonly taken = new Set<string>();
  private readonly outcomes = new Map<string, Outcome>();

  /** The first outcome again for a copy. */
  outcomeOf(command: PlainCommand): Outcome {
    const outcome = this.outcomes.get(command.id) ?? this.apply(command);
    this.outcomes.set(command.id, outcome);
    return outcome;
  }

  private apply(command: PlainCommand): Outcome {
    switch (command.type) {
      case 'payflow.account.open.v1':
        return this.open(command.data);
      case 'payflow.transfer.post.v1':
        return this.transfer(command.data);
      case 'payflow.group.post.v1':
        return this.group(command.data);
      case 'payflow.transfer.reverse.v1':
        return this.reverse(command.data);
      case 'payflow.hold.place.v1':
        return this.place(command.data);
      case 'payflow.hold.post.v1':
        return this.post(command.data);
      case 'payflow.hold.void.v1':
        return this.void(command.data);
      default:
        return command satisfies never;
    }
  }

  private open({ id, kind, overdraft, overdraft_limit }: MessageData['payflow.account.open.v1']): Outcome {
    const limit = { unbounded: null, limited: BigInt(overdraft_limit), none: 0n }[overdraft];
    const growsByDebits = kind === 'asset' || kind === 'expense';
    this.purses.set(id, { debits: 0n, credits: 0n, heldDebits: 0n, heldCredits: 0n, growsByDebits, limit });
    return { amounts: [] };
  }

  private transfer({ id, debit_account, credit_account, amount }: MessageData['payflow.transfer.post.v1']): Outcome {
    this.taken.add(id);
    const why = this.whyNot(debit_account, credit_account, BigInt(amount));
    return why ? { why } : this.pay(id, debit_account, credit_account, BigInt(amount));
  }

  /** Paid leg by leg, and taken back where one that all hang on is refused. */
  private group({ legs, conditions, mode }: MessageData['payflow.group.post.v1']): Outcome {
    for (const { account, balance_gte, balance_lte } of conditions) {
      const { debits, credits, growsByDebits } = this.purse(account);
      const balance = growsByDebits ? debits - credits : credits - debits;
      if (balance < BigInt(balance_gte ?? balance) || balance > BigInt(balance_lte ?? balance))
        return { why: 'condition_failed' };
    }
    const done: Leg[] = [];
    const amounts: bigint[] = [];
    for (const leg of legs) {
      const amount = leg.up_to ? this.asMuchAsThereIs(leg) : BigInt(leg.amount);
      const isNone = leg.up_to && amount <= 0n;
      const why =
        (this.taken.has(leg.id) ? 'id_reused' : undefined) ??
        this.whyNot(leg.debit_account, leg.credit_account, isNone ? BigInt(leg.amount) : amount) ??
        (isNone ? 'insufficient_funds' : undefined);
      if (why && (mode !== 'stop_on_first' || done.length === 0)) {
        for (const [at, { id, debit_account, credit_account }] of done.entries())
          this.unpay(id, debit_account, credit_account, amounts[at] as bigint);
        return { why };
      }
      if (why) return { amounts, why };
      this.pay(leg.id, leg.debit_account, leg.credit_account, amount);
      this.taken.add(leg.id);
      done.push(leg);
      amounts.push(amount);
    }
    return { amounts };
  }

  private reverse(data: MessageData['payflow.transfer.reverse.v1']): Outcome {
    const original = this.paid.get(data.original);
    if (original?.from !== data.debit_account || original.to !== data.credit_account)
      return { why: 'transfer_not_found' };
    if (original.isBack) return { why: 'transfer_is_reversal' };
    const left = original.amount - original.back;
    const amount = data.amount === null ? left : BigInt(data.amount);
    if (data.amount !== null && amount === 0n) return { why: 'amount_not_positive' };
    if (amount > left || left === 0n) return { why: 'reversal_exceeds_original' };
    const why = this.whyNot(original.to, original.from, amount);
    if (why) return { why };
    original.back += amount;
    this.taken.add(data.transfer);
    return this.pay(data.transfer, original.to, original.from, amount, true);
  }

  private place({
    id,
    debit_account: from,
    credit_account: to,
    amount,
  }: MessageData['payflow.hold.place.v1']): Outcome {
    const why = this.whyNot(from, to, BigInt(amount));
    if (why) return { why };
    this.holds.set(id, { from, to, left: BigInt(amount), isPending: true });
    this.setAside(from, to, BigInt(amount));
    return { amounts: [BigInt(amount)] };
  }

  private post(data: MessageData['payflow.hold.post.v1']): Outcome {
    this.taken.add(data.id);
    const hold = this.holds.get(data.hold);
    if (!hold) return { why: 'hold_not_found' };
    if (!hold.isPending) return { why: 'hold_not_pending' };
    const amount = data.amount === null ? hold.left : BigInt(data.amount);
    if (amount === 0n) return { why: 'amount_not_positive' };
    if (amount > hold.left) return { why: 'hold_exceeded' };
    this.setAside(hold.from, hold.to, -amount);
    hold.left -= amount;
    if (data.final || hold.left === 0n) this.release(hold);
    return this.pay(data.id, hold.from, hold.to, amount);
  }

  private void({ id }: MessageData['payflow.hold.void.v1']): Outcome {
    const hold = this.holds.get(id);
    if (!hold) return { why: 'hold_not_found' };
    if (!hold.isPending) return { why: 'hold_not_pending' };
    this.release(hold);
    return { amounts: [] };
  }

  private release(hold: Held): void {
    this.setAside(hold.from, hold.to, -hold.left);
    hold.isPending = false;
  }

  private setAside(from: string, to: string, amount: bigint): void {
    this.purse(from).heldDebits += amount;
    this.purse(to).heldCredits += amount;
  }

  private pay(id: string, from: string, to: string, amount: bigint, isBack = false): Outcome {
    this.purse(from).debits += amount;
    this.purse(to).credits += amount;
    this.paid.set(id, { from, to, amount, isBack, back: 0n });
    return { amounts: [amount] };
  }

  private unpay(id: string, from: string, to: string, amount: bigint): void {
    this.purse(from).debits -= amount;
    this.purse(to).credits -= amount;
    this.paid.delete(id);
    this.taken.delete(id);
  }

  private whyNot(from: string, to: string, amount: bigint): string | undefined {
    if (amount <= 0n) return 'amount_not_positive';
    if (from === to) return 'accounts_identical';
    return this.asMuchAs(from, to, amount) < amount ? 'insufficient_funds' : undefined;
  }

  private asMuchAsThereIs({ debit_account, credit_account, amount }: Leg): bigint {
    return this.asMuchAs(debit_account, credit_account, BigInt(amount));
  }

  /** Only what an account falls by is bounded: debits of the one kind, credits of the other. */
  private asMuchAs(from: string, to: string, amount: bigint): bigint {
    const [payer, payee] = [this.purse(from), this.purse(to)];
    let most = amount;
    if (!payer.growsByDebits && payer.limit !== null)
      most = least(most, payer.credits - payer.debits - payer.heldDebits + payer.limit);
    if (payee.growsByDebits && payee.limit !== null)
      most = least(most, payee.debits - payee.credits - payee.heldCredits + payee.limit);
    return most;
  }

  private purse(id: string): Purse {
    return this.purses.get(id) as Purse;
  }
}

function least(one: bigint, other: bigint): bigint {
  return one < other ? one : other;
}
