import { setTimeout as delay } from 'node:timers/promises';
import { RunAgain, type Transaction } from '@payflow/database';
import type { BookChanges } from '../domain/book.js';
import type { AccountKey, LockedAccounts } from './account.repository.js';
import { AWAIT } from './batch-lock.js';
import type { Remembered, RememberedAccounts, Writer } from './remembered-accounts.js';
import { ToldAccounts } from './told-accounts.js';
import { shortKey, type Counters, type ToldText } from './told-text.js';
import { Turns, type Turn } from './turns.js';

/** So long after another process was heard of, this one takes turns with it. */
const SHARED_MS = 60_000;
/** Batches of others that may not have ended yet: more than all processes have under way. */
const UNDER_WAY_MAX = 64;
/** Of failures, each is forgotten a little with each batch: at more than these, turns do not pay. */
const FAILURES_MAX = 5;
const FAILURE_KEPT = 15 / 16;
/** As where batches of this process wait for each other. */
const PATIENCE_MS = 1_000;

/** How this process posts to accounts that other processes post to as well. */
export class Sharing {
  readonly #turns: Turns;
  readonly #told = new ToldAccounts();
  readonly #underWay = new Map<string, Writer>();
  #shared_ms = -Infinity;
  #failures = 0;
  #toSettle = 0;

  constructor(
    url: string,
    private readonly memory: RememberedAccounts,
  ) {
    this.#turns = new Turns(url, {
      told: (text) => this.#learn(text),
      undone: (xact) => this.#unlearn(xact),
      joined: () => this.#begin(),
    });
  }

  get isActive(): boolean {
    return performance.now() < this.#shared_ms;
  }

  /** A memory was wrong: another process is at the same accounts. Whether batches should lock for a while. */
  doubt(): boolean {
    if (!this.isActive) {
      this.#turns.join();
      return !this.isActive;
    }
    this.#toSettle++;
    if (++this.#failures < FAILURES_MAX) return false;
    this.#failures = 0;
    return true;
  }

  /** The turn, for a batch that is decided from memory. It ends with the transaction at the latest. */
  async take(tx: Transaction): Promise<Turn> {
    this.#failures *= FAILURE_KEPT;
    try {
      const turn = await this.#turns.take();
      tx.onEnd(turn.end);
      return turn;
    } catch {
      this.memory.lockForAWhile();
      throw new RunAgain('the turn does not come');
    }
  }

  /** Whether the next batch should find all others ended: it runs again because they were in its way. */
  takeSettling(): boolean {
    if (this.#toSettle === 0) return false;
    this.#toSettle--;
    return true;
  }

  /** The turn, and all that were decided before it ended. */
  async settle(tx: Transaction): Promise<Turn> {
    const turn = await this.take(tx);
    const ours = this.memory.underWay();
    await Promise.race([Promise.all(ours), delay(PATIENCE_MS, undefined, { ref: false })]);
    await tx.rows(AWAIT, [[...this.#underWay.keys()]]);
    return turn;
  }

  /** What a batch is about to leave of the accounts it has found; and if it was its turn, the next one's begins. */
  tell(
    tx: Transaction,
    { changed, details }: Pick<BookChanges, 'changed' | 'details'>,
    { now, xact, accounts, keys, turn }: Pick<LockedAccounts, 'now' | 'xact' | 'accounts' | 'keys' | 'turn'>,
  ): void {
    const told: [number, Counters | undefined][] = [];
    for (const [scopedId, account] of changed) {
      const key = keys.get(scopedId);
      if (key && accounts.has(scopedId)) told.push([keyOf(key), details.has(scopedId) ? undefined : account]);
    }
    this.#turns.tell({ xact, at_ms: now.getTime(), accounts: told });
    turn?.end();
    tx.onEnd((isCommitted) => {
      if (!isCommitted) this.#turns.tellUndone(xact);
    });
  }

  /** Whether there may be news of the account that are not kept any more. */
  isOutdated({ asOf, writer }: Remembered): boolean {
    return asOf < this.#told.keptSince || writer.isUndone === true;
  }

  /** The number of the last text that was told: an account that is read after it was asked for knows of all before. */
  get latest(): number {
    return this.#told.latest;
  }

  /** An account, as other processes are about to leave it. Undefined where it must be read again. */
  bringUp(key: AccountKey, remembered: Remembered): boolean {
    const news = this.#told.of(keyOf(key));
    const { asOf, account } = remembered;
    remembered.asOf = this.latest;
    if (!news || news.writer.isUndone) return true;
    if (news.version === 0) return news.nth <= asOf;
    if (news.version <= account.version) return true;
    Object.assign(account, news.counters());
    remembered.writer = news.writer;
    return true;
  }

  /** What was told of the accounts was wrong. */
  unlearn(keys: Iterable<AccountKey>): void {
    for (const key of keys) this.#told.forget(keyOf(key));
  }

  close(): Promise<void> {
    return this.#turns.close();
  }

  #begin(): void {
    this.memory.beginAnew();
    this.#told.clear();
    this.#underWay.clear();
    this.#failures = 0;
    this.#shared_ms = performance.now() + SHARED_MS;
  }

  #learn(text: ToldText): void {
    const { xact, at_ms } = text;
    this.#shared_ms = performance.now() + SHARED_MS;
    let writer = this.#underWay.get(xact);
    if (!writer) {
      writer = { xact, at_ms, ended: undefined, isTold: true, mayBeUnderWay: true };
      this.#underWay.set(xact, writer);
      dropFirstOf(this.#underWay, UNDER_WAY_MAX);
    }
    this.#told.add(text, writer);
  }

  #unlearn(xact: string): void {
    const writer = this.#underWay.get(xact);
    if (writer) writer.isUndone = true;
  }
}

function keyOf({ tenant, livemode, uuid }: AccountKey): number {
  return shortKey(tenant, livemode, uuid);
}

function dropFirstOf(map: Map<unknown, unknown>, max: number): void {
  if (map.size <= max) return;
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}
