import type { Account } from '../domain/account.js';
import type { LedgerCommand } from '../domain/decide.js';

/** Some 60 MB of accounts. Whoever has more in use reads the others again. */
const ACCOUNTS_MAX = 131_072;
/** After a memory was wrong, another process is at the same accounts: so many batches ask and lock as if there were none. */
const BATCHES_IN_DOUBT = 64;

/** What moves posted money and nothing else. All others need what lies under the locks of their accounts. */
const DECIDED_FROM_MEMORY: ReadonlySet<LedgerCommand['type']> = new Set([
  'payflow.transfer.post.v1',
  'payflow.group.post.v1',
]);

/** The batch that an account was last changed or seen by. */
export interface Batch {
  /** The ledger's clock, milliseconds since 1970. */
  readonly at_ms: number;
  /** Resolves when its transaction has ended, one way or the other. Undefined where it holds the rows' locks, or left them as they were. */
  readonly ended: Promise<void> | undefined;
}

export interface Remembered {
  readonly account: Account;
  readonly leftBy: Batch;
}

/**
 * The accounts of this process's last batches, by scoped id, those of batches that have not committed yet among them. It
 * decides nothing: a batch that worked from memory says what it remembered as it writes, and is undone unless each row is
 * still exactly that. So a wrong memory costs a second try, and never a wrong balance.
 */
export class RememberedAccounts {
  // Changed in place: each new object would outlive the young generation, only to be replaced.
  readonly #accounts = new Map<string, { readonly account: Writable<Account>; leftBy: Batch }>();
  #inDoubt = 0;

  /** Whether a batch of these commands may be decided from memory now. */
  serves(commands: readonly { readonly command: LedgerCommand }[]): boolean {
    if (!commands.every(({ command }) => DECIDED_FROM_MEMORY.has(command.type))) return false;
    if (this.#inDoubt === 0) return true;
    this.#inDoubt--;
    return false;
  }

  has(scopedId: string): boolean {
    return this.#accounts.has(scopedId);
  }

  recall(scopedId: string): Remembered | undefined {
    const known = this.#accounts.get(scopedId);
    return known && { account: { ...known.account }, leftBy: known.leftBy };
  }

  keep(scopedId: string, account: Account, leftBy: Batch): void {
    const known = this.#accounts.get(scopedId);
    if (known) {
      Object.assign(known.account, account);
      known.leftBy = leftBy;
      return;
    }
    if (this.#accounts.size >= ACCOUNTS_MAX) this.forget([this.#longestKnown()]);
    this.#accounts.set(scopedId, { account: { ...account }, leftBy });
  }

  forget(scopedIds: Iterable<string>): void {
    for (const scopedId of scopedIds) this.#accounts.delete(scopedId);
  }

  /** The batch was undone, or nobody knows whether it was: what it left is forgotten, unless another has come over it. */
  forgetLeftBy(batch: Batch, scopedIds: Iterable<string>): void {
    for (const scopedId of scopedIds)
      if (this.#accounts.get(scopedId)?.leftBy === batch) this.#accounts.delete(scopedId);
  }

  /** A memory was wrong. */
  doubt(): void {
    this.#inDoubt = BATCHES_IN_DOUBT;
  }

  #longestKnown(): string {
    for (const scopedId of this.#accounts.keys()) return scopedId;
    return '';
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
