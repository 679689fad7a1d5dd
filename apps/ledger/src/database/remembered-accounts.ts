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

/** The transaction that left an account as it is. */
export interface Writer {
  /** Its id, as in the row's `xact_id`. */
  readonly xact: string;
  /** The ledger's clock in it, milliseconds since 1970. */
  readonly at_ms: number;
  /** Resolves when it has ended, one way or the other. Undefined where it has, or holds the row's lock. */
  readonly ended: Promise<void> | undefined;
}

/** An account as this process has seen or decided it last. */
export interface Remembered {
  // Changed in place: each new object would outlive the young generation, only to be replaced.
  readonly account: Writable<Account>;
  writer: Writer;
  isForgotten: boolean;
}

/**
 * The accounts of this process's last batches, by scoped id, those of batches that have not committed yet among them. It
 * decides nothing: a batch that worked from memory names the writers it remembered as it writes, and is undone unless each
 * row is still theirs. So a wrong memory costs a second try, and never a wrong balance.
 */
export class RememberedAccounts {
  readonly #accounts = new Map<string, Remembered>();
  #inDoubt = 0;

  /** Whether a batch of these commands may be decided from memory now. */
  serves(commands: readonly { readonly command: LedgerCommand }[]): boolean {
    if (!commands.every(({ command }) => DECIDED_FROM_MEMORY.has(command.type))) return false;
    if (this.#inDoubt === 0) return true;
    this.#inDoubt--;
    return false;
  }

  get(scopedId: string): Remembered | undefined {
    return this.#accounts.get(scopedId);
  }

  keep(scopedId: string, account: Account, writer: Writer): Remembered {
    const known = this.#accounts.get(scopedId);
    if (known) return keepIn(known, account, writer);
    if (this.#accounts.size >= ACCOUNTS_MAX) this.forget([this.#longestKnown()]);
    const remembered = { account: { ...account }, writer, isForgotten: false };
    this.#accounts.set(scopedId, remembered);
    return remembered;
  }

  forget(scopedIds: Iterable<string>): void {
    for (const scopedId of scopedIds) {
      const known = this.#accounts.get(scopedId);
      if (!known) continue;
      known.isForgotten = true;
      this.#accounts.delete(scopedId);
    }
  }

  /** The transaction was undone, or nobody knows whether it was: what it left is forgotten, unless another has come over it. */
  forgetLeftBy(writer: Writer, scopedIds: readonly string[]): void {
    this.forget(scopedIds.filter((scopedId) => this.#accounts.get(scopedId)?.writer === writer));
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

/** {@link RememberedAccounts.keep} for whoever has found the account already. */
export function keepIn(known: Remembered, account: Account, writer: Writer): Remembered {
  Object.assign(known.account, account);
  known.writer = writer;
  return known;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
