import type { Account } from '../domain/account.js';
import type { LedgerCommand } from '../domain/decide.js';
import type { ChainHead } from './chain.js';
import { Sharing } from './sharing.js';

/** Some 45 MB of accounts. Whoever has more in use reads the others again. */
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
  /** Whether it committed, once it has ended. Undefined where it has ended, or holds the row's lock. */
  readonly ended: Promise<boolean> | undefined;
  /** Another process's, known from what that says. */
  readonly isTold?: true;
  /** Where it is told: whether it may not have ended. */
  mayBeUnderWay?: boolean;
  isUndone?: boolean;
}

/** The head of a chain as this process has seen or moved it last, and who did. */
export interface RememberedHead {
  readonly head: ChainHead;
  readonly writer: Pick<Writer, 'at_ms' | 'ended'>;
}

/** An account as this process has seen or decided it last. */
export interface Remembered {
  // Changed in place: each new object would outlive the young generation, only to be replaced.
  readonly account: Writable<Account>;
  writer: Writer;
  /** It may be wrong. */
  isForgotten: boolean;
  /** It had to make room, and was right. */
  isLetGo: boolean;
  /** Up to where it is known what other processes said of it. */
  asOf: number;
}

/**
 * The accounts of this process's last batches, by scoped id, and the heads of its chains, those of batches that have not committed yet among them. It
 * decides nothing: a batch that worked from memory names the writers it remembered as it writes, and is undone unless each
 * row is still theirs. So a wrong memory costs a second try, and never a wrong balance.
 */
export class RememberedAccounts {
  readonly #accounts = new Map<string, Remembered>();
  readonly #heads = new Map<number, RememberedHead>();
  readonly #underWay = new Set<Promise<boolean>>();
  readonly #sharing: Sharing | undefined;
  #inDoubt = 0;
  #idsInDoubt = 0;

  /** `url`: of the books, where processes that share them are to take turns. */
  constructor(url?: string) {
    this.#sharing = url === undefined ? undefined : new Sharing(url, this);
  }

  /** Where other processes post to the same accounts at the time. */
  get sharing(): Sharing | undefined {
    return this.#sharing?.isActive ? this.#sharing : undefined;
  }

  /** Whether a batch of these commands may be decided from memory now. */
  serves(commands: readonly { readonly command: LedgerCommand }[]): boolean {
    if (!commands.every(({ command }) => DECIDED_FROM_MEMORY.has(command.type))) return false;
    if (this.#inDoubt === 0) return true;
    this.#inDoubt--;
    return false;
  }

  /** Whether the ids of a batch of these commands may be taken for new, to be found out as they are written. */
  takesForNew(commands: readonly { readonly command: LedgerCommand }[]): boolean {
    if (!commands.every(({ command }) => command.type === 'payflow.transfer.post.v1')) return false;
    if (this.#idsInDoubt === 0) return true;
    this.#idsInDoubt--;
    return false;
  }

  get(scopedId: string): Remembered | undefined {
    return this.#accounts.get(scopedId);
  }

  keep(scopedId: string, account: Account, writer: Writer, asOf = this.#sharing?.latest ?? 0): Remembered {
    const known = this.#accounts.get(scopedId);
    if (known) return this.keepIn(known, scopedId, account, writer);
    const remembered = { account: { ...account }, writer, isForgotten: false, isLetGo: false, asOf };
    this.#add(scopedId, remembered);
    return remembered;
  }

  /** {@link keep} for whoever has found the account already. */
  keepIn(known: Remembered, scopedId: string, account: Account, writer: Writer): Remembered {
    Object.assign(known.account, account);
    known.writer = writer;
    if (known.isLetGo) this.#add(scopedId, known);
    return known;
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

  head(chain: number): RememberedHead | undefined {
    return this.#heads.get(chain);
  }

  keepHead(chain: number, remembered: RememberedHead): RememberedHead {
    this.#heads.set(chain, remembered);
    return remembered;
  }

  forgetHead(chain: number): void {
    this.#heads.delete(chain);
  }

  /** The transaction that moved it was undone. */
  forgetHeadLeftBy(writer: RememberedHead['writer'], chain: number): void {
    if (this.#heads.get(chain)?.writer === writer) this.#heads.delete(chain);
  }

  /** Nothing of it is known, and nothing speaks against it. */
  beginAnew(): void {
    this.forget([...this.#accounts.keys()]);
    this.#heads.clear();
    this.#inDoubt = 0;
  }

  /** A batch was decided, and has not ended. */
  began(ended: Promise<boolean>): void {
    this.#underWay.add(ended);
    void ended.then(() => this.#underWay.delete(ended));
  }

  /** The ends of the batches that were decided from memory and have not ended. */
  underWay(): readonly Promise<boolean>[] {
    return [...this.#underWay];
  }

  /** A memory was wrong. */
  doubt(): void {
    if (this.#sharing?.doubt() ?? true) this.lockForAWhile();
  }

  lockForAWhile(): void {
    this.#inDoubt = BATCHES_IN_DOUBT;
  }

  async close(): Promise<void> {
    await this.#sharing?.close();
  }

  /** An id that was taken for new was not: commands come again. */
  doubtIds(): void {
    this.#idsInDoubt = BATCHES_IN_DOUBT;
  }

  #add(scopedId: string, remembered: Remembered): void {
    if (this.#accounts.size >= ACCOUNTS_MAX) this.#letLongestKnownGo();
    remembered.isLetGo = false;
    this.#accounts.set(scopedId, remembered);
  }

  #letLongestKnownGo(): void {
    for (const [scopedId, known] of this.#accounts) {
      known.isLetGo = true;
      this.#accounts.delete(scopedId);
      return;
    }
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
