import type {
  AccountOpen,
  AnyMessage,
  MessageData,
  Refusable,
  RefusableData,
  Refusal,
  TransferPost,
} from '@payflow/contracts';
import { parseAmount } from '@payflow/money';
import { openedAccount, snapshot, type Account } from './account.js';
import { postTransfer } from './transfer.js';

export type LedgerCommand = AnyMessage<'payflow.account.open.v1' | 'payflow.transfer.post.v1'>;

/** What a refusal needs of a command; a whole one has more. */
export type RefusableCommand = Refusable<LedgerCommand['type']>;

type Event =
  | 'payflow.account.opened.v1'
  | 'payflow.account.rejected.v1'
  | 'payflow.transfer.posted.v1'
  | 'payflow.transfer.rejected.v1';

/** The ledger's word on one command: the event that answers it, and what it changes. */
export type Verdict = { [T in Event]: { readonly type: T; readonly data: MessageData[T] } }[Event];

/** The accounts one batch touches, loaded once; commands are decided on them in order, each seeing the ones before it. */
export class Book {
  private readonly accounts: Map<string, Account>;
  private readonly loadedVersions: ReadonlyMap<string, number>;
  private readonly opened = new Set<string>();

  /** Accounts and taken paths are keyed by {@link scoped}. `now` is the ledger's clock, read after the locks (RFC 3339, UTC, ms). */
  constructor(
    accounts: ReadonlyMap<string, Account>,
    private readonly takenPaths: Set<string>,
    private readonly now: string,
  ) {
    this.accounts = new Map(accounts);
    this.loadedVersions = new Map([...accounts].map(([key, account]) => [key, account.version]));
  }

  decide(command: LedgerCommand): Verdict {
    switch (command.type) {
      case 'payflow.account.open.v1':
        return this.open(command, command.data);
      case 'payflow.transfer.post.v1':
        return this.post(command, command.data);
      default:
        return command satisfies never;
    }
  }

  /** The refusal of a command that an operator discarded, that came damaged, or whose id was used before with other content. */
  refuse(command: RefusableCommand, reason: Refusal): Verdict {
    return command.type === 'payflow.account.open.v1'
      ? this.accountRejected(command.data, reason)
      : this.transferRejected(command.data, reason);
  }

  /** Accounts that the batch opened, as it leaves them, by scoped id. */
  newAccounts(): Map<string, Account> {
    return new Map([...this.accounts].filter(([key]) => this.opened.has(key)));
  }

  /** Loaded accounts that the batch changed, netted: one row each, however many transfers. */
  changedAccounts(): Map<string, Account> {
    return new Map(
      [...this.accounts].filter(
        ([key, { version }]) => !this.opened.has(key) && this.loadedVersions.get(key) !== version,
      ),
    );
  }

  private open(command: LedgerCommand, data: AccountOpen): Verdict {
    const key = scoped(command, data.id);
    const path = data.path === null ? undefined : scoped(command, data.path);
    if (this.accounts.has(key) || (path && this.takenPaths.has(path)))
      return this.accountRejected(data, 'account_exists');
    const account = openedAccount(data.id, data.asset, data.overdraft);
    this.accounts.set(key, account);
    this.opened.add(key);
    if (path) this.takenPaths.add(path);
    const { path: name, metadata, created_at } = data;
    return { type: 'payflow.account.opened.v1', data: { ...snapshot(account), path: name, metadata, created_at } };
  }

  private post(command: LedgerCommand, data: TransferPost): Verdict {
    const [debitKey, creditKey] = [scoped(command, data.debit_account), scoped(command, data.credit_account)];
    const decision = postTransfer(
      {
        debitAccount: data.debit_account,
        creditAccount: data.credit_account,
        amount: parseAmount(data.amount) ?? 0n,
        asset: data.asset,
        validUntil: data.valid_until,
      },
      this.accounts.get(debitKey),
      this.accounts.get(creditKey),
      this.now,
    );
    if (decision.kind === 'refused') return this.transferRejected(data, decision.reason);
    this.accounts.set(debitKey, decision.debit);
    this.accounts.set(creditKey, decision.credit);
    const { id, payment, amount, asset } = data;
    return {
      type: 'payflow.transfer.posted.v1',
      data: {
        id,
        payment,
        amount,
        asset,
        debit_account: snapshot(decision.debit),
        credit_account: snapshot(decision.credit),
        recorded_at: this.now,
      },
    };
  }

  private accountRejected(data: RefusableData['payflow.account.open.v1'], reason: Refusal): Verdict {
    return { type: 'payflow.account.rejected.v1', data: { id: data.id, reason, recorded_at: this.now } };
  }

  private transferRejected(data: RefusableData['payflow.transfer.post.v1'], reason: Refusal): Verdict {
    const { id, payment, amount, asset, debit_account, credit_account } = data;
    return {
      type: 'payflow.transfer.rejected.v1',
      data: { id, payment, amount, asset, debit_account, credit_account, reason, recorded_at: this.now },
    };
  }
}

/** Ids and paths are only unique within a tenant's mode: every key starts with both. */
export function scoped(owner: { readonly tenant: string; readonly livemode: boolean }, id: string): string {
  return `${owner.tenant}/${owner.livemode ? 'live' : 'test'}/${id}`;
}
