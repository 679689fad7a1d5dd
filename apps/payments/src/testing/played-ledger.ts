import type {
  AccountSnapshot,
  AnyMessage,
  GroupPost,
  HoldPlace,
  HoldPost,
  HoldVoid,
  TransferPost,
} from '@payflow/contracts';
import type { AnyOutgoing } from '@payflow/messaging';
import { testMessage } from '@payflow/testing';

export type LedgerVerdict = AnyMessage<
  | 'payflow.transfer.posted.v1'
  | 'payflow.transfer.rejected.v1'
  | 'payflow.hold.placed.v1'
  | 'payflow.hold.posted.v1'
  | 'payflow.hold.voided.v1'
  | 'payflow.hold.rejected.v1'
  | 'payflow.group.posted.v1'
  | 'payflow.group.rejected.v1'
>;

interface Hold {
  readonly amount: bigint;
  posted: bigint;
  status: 'pending' | 'posted' | 'voided';
  readonly debit: string;
  readonly credit: string;
  readonly payment: string | null;
  readonly asset: string;
}

/**
 * The ledger's side of the talk, for specs of payments alone: it keeps holds and sums as the real one does, says yes unless it
 * is told what to refuse, and gives a command that it knows the verdict that it gave before.
 */
export class PlayedLedger {
  readonly holds = new Map<string, Hold>();
  /** Booked from the first account to the second: by `debit credit`. */
  readonly moved = new Map<string, bigint>();
  private readonly verdicts = new Map<string, LedgerVerdict>();
  private version = 0;

  /** What it says to a command; `refuse`: why it will not. */
  answer(command: AnyOutgoing, refuse?: string): LedgerVerdict {
    const id = command.id as string;
    const known = this.verdicts.get(id);
    if (known) return known;
    const verdict = refuse === undefined ? this.carryOut(command) : this.reject(command, refuse);
    this.verdicts.set(id, verdict);
    return verdict;
  }

  /** All that it has said. */
  given(): LedgerVerdict[] {
    return [...this.verdicts.values()];
  }

  /** What is set aside and has not ended, for one payment or for all. */
  pending(payment?: string): bigint {
    let sum = 0n;
    for (const hold of this.holds.values()) {
      const isIts = payment === undefined || hold.payment === payment;
      if (isIts && hold.status === 'pending') sum += hold.amount - hold.posted;
    }
    return sum;
  }

  booked(debit: string, credit: string): bigint {
    return this.moved.get(`${debit} ${credit}`) ?? 0n;
  }

  private carryOut(command: AnyOutgoing): LedgerVerdict {
    switch (command.type) {
      case 'payflow.transfer.post.v1': {
        const { id, payment, debit_account, credit_account, amount, asset } = command.data as TransferPost;
        this.book(debit_account, credit_account, BigInt(amount));
        const facts = { id, payment, amount, asset, recorded_at: new Date().toISOString() };
        return this.event(command, 'payflow.transfer.posted.v1', {
          ...facts,
          ...this.sides(debit_account, credit_account, asset),
        });
      }
      case 'payflow.hold.place.v1': {
        const { id, payment, debit_account, credit_account, amount, asset } = command.data as HoldPlace;
        const hold: Hold = {
          amount: BigInt(amount),
          posted: 0n,
          status: 'pending',
          debit: debit_account,
          credit: credit_account,
          payment,
          asset,
        };
        this.holds.set(id, hold);
        return this.event(command, 'payflow.hold.placed.v1', this.state(id, hold));
      }
      case 'payflow.hold.post.v1': {
        const { id, hold: name, amount, final } = command.data as HoldPost;
        const hold = this.pendingHold(name);
        const posting = amount === null ? hold.amount - hold.posted : BigInt(amount);
        if (posting > hold.amount - hold.posted) throw new Error('more is posted than is held');
        hold.posted += posting;
        if (final || hold.posted === hold.amount) hold.status = 'posted';
        this.book(hold.debit, hold.credit, posting);
        const facts = { transfer: id, transferred: posting.toString() };
        return this.event(command, 'payflow.hold.posted.v1', { ...this.state(name, hold), ...facts });
      }
      case 'payflow.hold.void.v1': {
        const { id } = command.data as HoldVoid;
        const hold = this.pendingHold(id);
        hold.status = 'voided';
        return this.event(command, 'payflow.hold.voided.v1', this.state(id, hold));
      }
      case 'payflow.group.post.v1':
        return this.postGroup(command, command.data as GroupPost);
      default:
        throw new Error(`the ledger was sent ${command.type}`);
    }
  }

  private postGroup(command: AnyOutgoing, { id, legs, payment }: GroupPost): LedgerVerdict {
    const accounts = new Map<string, AccountSnapshot>();
    for (const { debit_account, credit_account, amount, asset } of legs) {
      this.book(debit_account, credit_account, BigInt(amount));
      for (const account of Object.values(this.sides(debit_account, credit_account, asset)))
        accounts.set(account.id, account);
    }
    const at = new Date().toISOString();
    const facts = { id, reverses: null, effective_at: at, recorded_at: at, metadata: {}, payment };
    const posted = legs.map(({ id: leg, debit_account, credit_account, amount, asset }) => ({
      ...{ id: leg, debit_account, credit_account, amount, asset },
    }));
    return this.event(command, 'payflow.group.posted.v1', { ...facts, legs: posted, accounts: [...accounts.values()] });
  }

  private reject(command: AnyOutgoing, reason: string): LedgerVerdict {
    const recorded_at = new Date().toISOString();
    if (command.type === 'payflow.group.post.v1') {
      const { id, payment, legs } = command.data as GroupPost;
      const debit_account = legs[0]?.debit_account;
      return this.event(command, 'payflow.group.rejected.v1', {
        id,
        payment,
        debit_account,
        reason,
        leg: 0,
        recorded_at,
      });
    }
    if (command.type === 'payflow.transfer.post.v1') {
      return this.event(command, 'payflow.transfer.rejected.v1', { ...command.data, reason, recorded_at });
    }
    const data = command.data as HoldPlace & HoldPost;
    const isPost = command.type === 'payflow.hold.post.v1';
    return this.event(command, 'payflow.hold.rejected.v1', {
      id: isPost ? data.hold : data.id,
      operation: command.type.split('.')[2],
      transfer: isPost ? data.id : null,
      payment: this.holds.get(isPost ? data.hold : data.id)?.payment ?? data.payment ?? null,
      debit_account: data.debit_account,
      reason,
      recorded_at,
    });
  }

  private pendingHold(id: string): Hold {
    const hold = this.holds.get(id);
    if (hold?.status !== 'pending') throw new Error(`the hold ${id} is ${hold?.status}: it was ended twice`);
    return hold;
  }

  private book(debit: string, credit: string, amount: bigint): void {
    this.moved.set(`${debit} ${credit}`, this.booked(debit, credit) + amount);
  }

  private state(id: string, { amount, posted, status, debit, credit, payment, asset }: Hold) {
    const facts = {
      id,
      payment,
      status,
      amount: amount.toString(),
      posted: posted.toString(),
      asset,
      expires_at: null,
      version: 1,
    };
    return { ...facts, ...this.sides(debit, credit, asset), recorded_at: new Date().toISOString() };
  }

  private sides(debit: string, credit: string, asset: string) {
    const version = ++this.version;
    return { debit_account: snapshot(debit, asset, version), credit_account: snapshot(credit, asset, version) };
  }

  private event(command: AnyOutgoing, type: LedgerVerdict['type'], data: object): LedgerVerdict {
    const { tenant = '', livemode = false, actor = 'spec', traceparent } = command.cause ?? {};
    const context = { tenant, livemode, actor, traceparent, causationId: command.id as string };
    return testMessage(type, data as never, context as never) as LedgerVerdict;
  }
}

function snapshot(id: string, asset: string, version: number): AccountSnapshot {
  const counters = { posted_debits: '0', posted_credits: '0', pending_debits: '0', pending_credits: '0' };
  const facts = { kind: 'liability', state: 'open', overdraft: 'none', overdraft_limit: '0' } as const;
  return { id, asset, ...facts, ...counters, version };
}
