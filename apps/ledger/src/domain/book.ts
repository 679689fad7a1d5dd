import type { Account } from './account.js';
import type { Hold } from './hold.js';
import { overdraftMove, type OverdraftMove } from './overdraft.js';
import type { Closing, Period } from './period.js';
import type { Original } from './reversal.js';
import type { TransactionType } from './transaction-type.js';
import type { Movement } from './transfer.js';
import type { Unit } from './unit.js';
import type { Booked } from './transfer-change.js';

/** Whose books: nothing of one tenant or mode ever meets anything of another. */
export interface Owner {
  readonly tenant: string;
  readonly livemode: boolean;
}

/** Who asks, and for whom. */
export interface Asker extends Owner {
  readonly actor: string;
}

/** Metadata that an account or a transfer gets. */
export interface MetadataVersion extends Asker {
  readonly of: 'account' | 'transfer';
  readonly id: string;
  readonly version: number;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What is kept of an account beside its counters. */
export interface AccountDetails {
  readonly path: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly createdAt: string;
}

/** A transfer that the batch books. */
export interface BookedTransfer extends Movement {
  readonly owner: Owner;
  readonly id: string;
  readonly payment: string | null;
  readonly group: string | null;
  readonly hold: string | null;
  readonly reverses: string | null;
  readonly effectiveAt: string | null;
}

/** A transfer that named a type, and the version of it that it was held against. */
export interface TypedTransfer {
  readonly owner: Owner;
  readonly transfer: string;
  readonly type: string;
  readonly version: number;
}

/** What one batch touches, loaded once, all of it by {@link scoped} id. */
export interface LoadedBooks {
  readonly accounts: ReadonlyMap<string, Account>;
  readonly details: ReadonlyMap<string, AccountDetails>;
  readonly takenPaths: ReadonlySet<string>;
  readonly holds: ReadonlyMap<string, Hold>;
  /** Posted transfers that the batch wants to move back or correct. */
  readonly originals: ReadonlyMap<string, Original>;
  /** Posted transfers of which the batch wants to change the metadata. */
  readonly booked: ReadonlyMap<string, Booked>;
  /** Transfer ids that the batch wants to use, and that are in use. */
  readonly usedTransferIds: ReadonlySet<string>;
  /** The units of their own that the batch names, by code. */
  readonly units: ReadonlyMap<string, Unit>;
  /** How many units those have who define one, by {@link scoped} nothing. */
  readonly unitCounts: ReadonlyMap<string, number>;
  /** Closed and closing months, by scoped month: those that the batch wants to close. */
  readonly periods: ReadonlyMap<string, Period>;
  /** The latest of them by {@link scoped} nothing, where the batch asks for it. */
  readonly latestMonths: ReadonlyMap<string, string>;
  /** The versions in force of the types that the batch names, by scoped name. */
  readonly types: ReadonlyMap<string, TransactionType>;
}

export const EMPTY_BOOKS: LoadedBooks = {
  accounts: new Map(),
  details: new Map(),
  takenPaths: new Set(),
  holds: new Map(),
  originals: new Map(),
  booked: new Map(),
  usedTransferIds: new Set(),
  units: new Map(),
  unitCounts: new Map(),
  periods: new Map(),
  latestMonths: new Map(),
  types: new Map(),
};

/** What a batch leaves to be saved: one entry per row, however often it changed. */
export interface BookChanges {
  readonly opened: ReadonlyMap<string, Account>;
  readonly changed: ReadonlyMap<string, Account>;
  /** Of the accounts of which more than counters changed, the opened ones among them. */
  readonly details: ReadonlyMap<string, AccountDetails>;
  readonly transfers: readonly BookedTransfer[];
  readonly holds: ReadonlyMap<string, { readonly owner: Owner; readonly hold: Hold }>;
  readonly reversals: ReadonlyMap<
    string,
    { readonly owner: Owner; readonly transfer: string; readonly original: Original }
  >;
  /** Each with its number among its owner's units, from 1: two batches that both take the last one meet there. */
  readonly units: readonly { readonly owner: Owner; readonly unit: Unit; readonly number: number }[];
  readonly closings: readonly (Closing & { readonly owner: Owner })[];
  readonly defined: readonly { readonly owner: Owner; readonly type: TransactionType }[];
  readonly typed: readonly TypedTransfer[];
  readonly metadata: readonly MetadataVersion[];
}

/** The part of the books that one batch works on. Commands are decided on it in order, each seeing the ones before it. */
export class Book {
  readonly #accounts: Map<string, Account>;
  readonly #details: Map<string, AccountDetails>;
  readonly #takenPaths: Set<string>;
  readonly #holds: Map<string, Hold>;
  readonly #originals: Map<string, Original>;
  readonly #booked: Map<string, Booked>;
  readonly #usedTransferIds: Set<string>;
  readonly #opened = new Set<string>();
  readonly #changed = new Set<string>();
  readonly #retold = new Set<string>();
  readonly #transfers: BookedTransfer[] = [];
  readonly #changedHolds = new Map<string, { owner: Owner; hold: Hold }>();
  readonly #reversals = new Map<string, { owner: Owner; transfer: string; original: Original }>();
  #overdrafts: OverdraftMove[] = [];
  readonly #units: Map<string, Unit>;
  readonly #unitCounts: Map<string, number>;
  readonly #definedUnits: { owner: Owner; unit: Unit; number: number }[] = [];
  readonly #periods: Map<string, Period>;
  readonly #latestMonths: Map<string, string>;
  readonly #closings: (Closing & { owner: Owner })[] = [];
  readonly #types: Map<string, TransactionType>;
  readonly #defined: { owner: Owner; type: TransactionType }[] = [];
  readonly #typed: TypedTransfer[] = [];
  readonly #metadata: MetadataVersion[] = [];

  /**
   * `now` is when the batch is recorded, and `clock` the ledger's clock, read after the locks (both RFC 3339, UTC, ms). They are one
   * but where the server's clock was set back: nothing is recorded on an account before its last change, while time that was given
   * to somebody is over when the clock says so, and no sooner.
   */
  constructor(
    loaded: LoadedBooks,
    readonly now: string,
    readonly clock = now,
  ) {
    this.#accounts = new Map(loaded.accounts);
    this.#details = new Map(loaded.details);
    this.#takenPaths = new Set(loaded.takenPaths);
    this.#holds = new Map(loaded.holds);
    this.#originals = new Map(loaded.originals);
    this.#booked = new Map(loaded.booked);
    this.#usedTransferIds = new Set(loaded.usedTransferIds);
    this.#units = new Map(loaded.units);
    this.#unitCounts = new Map(loaded.unitCounts);
    this.#periods = new Map(loaded.periods);
    this.#latestMonths = new Map(loaded.latestMonths);
    this.#types = new Map(loaded.types);
  }

  account(owner: Owner, id: string): Account | undefined {
    return this.#accounts.get(scoped(owner, id));
  }

  details(owner: Owner, id: string): AccountDetails | undefined {
    return this.#details.get(scoped(owner, id));
  }

  isPathTaken(owner: Owner, path: string): boolean {
    return this.#takenPaths.has(scoped(owner, path));
  }

  open(owner: Owner, account: Account, details: AccountDetails): void {
    const key = scoped(owner, account.id);
    this.#accounts.set(key, account);
    this.#details.set(key, details);
    this.#opened.add(key);
    if (details.path !== null) this.#takenPaths.add(scoped(owner, details.path));
  }

  /** A command changes an account once: as it leaves it. */
  change(owner: Owner, ...accounts: readonly Account[]): void {
    for (const account of accounts) {
      const key = scoped(owner, account.id);
      const overdraft = overdraftMove(this.#accounts.get(key), account);
      if (overdraft) this.#overdrafts.push(overdraft);
      this.#accounts.set(key, account);
      if (!this.#opened.has(key)) this.#changed.add(key);
    }
  }

  /** The overdrafts that moved since it was last asked: of a command, when it is asked after each. */
  takeOverdrafts(): readonly OverdraftMove[] {
    const moved = this.#overdrafts;
    if (moved.length > 0) this.#overdrafts = [];
    return moved;
  }

  /** More than the account's counters has changed: its row is written whole. */
  retell(owner: Owner, id: string, details: AccountDetails): void {
    const key = scoped(owner, id);
    this.#details.set(key, details);
    if (!this.#opened.has(key)) this.#retold.add(key);
  }

  hold(owner: Owner, id: string): Hold | undefined {
    return this.#holds.get(scoped(owner, id));
  }

  keepHold(owner: Owner, hold: Hold): void {
    const key = scoped(owner, hold.id);
    this.#holds.set(key, hold);
    this.#changedHolds.set(key, { owner, hold });
  }

  isTransferIdUsed(owner: Owner, id: string): boolean {
    return this.#usedTransferIds.has(scoped(owner, id));
  }

  /** No other transfer may have the id from now on, whatever became of the command that named it. */
  useTransferId(owner: Owner, id: string): void {
    this.#usedTransferIds.add(scoped(owner, id));
  }

  /** Books a transfer: from now on it can be moved back. */
  post(transfer: BookedTransfer): void {
    const key = scoped(transfer.owner, transfer.id);
    const { debitAccount, creditAccount, amount, asset, reverses } = transfer;
    const effectiveAt = transfer.effectiveAt ?? this.now;
    this.#transfers.push(transfer);
    this.#usedTransferIds.add(key);
    this.#originals.set(key, {
      debitAccount,
      creditAccount,
      amount,
      asset,
      reversed: 0n,
      correctedBy: null,
      reverses,
      effectiveAt,
    });
  }

  original(owner: Owner, transfer: string): Original | undefined {
    return this.#originals.get(scoped(owner, transfer));
  }

  keepReversed(owner: Owner, transfer: string, original: Original): void {
    const key = scoped(owner, transfer);
    this.#originals.set(key, original);
    this.#reversals.set(key, { owner, transfer, original });
  }

  unit(owner: Owner, code: string): Unit | undefined {
    return this.#units.get(scoped(owner, code));
  }

  unitCount(owner: Owner): number {
    return this.#unitCounts.get(scoped(owner, '')) ?? 0;
  }

  /** From now on accounts can be opened in it. */
  define(owner: Owner, unit: Unit): void {
    this.#units.set(scoped(owner, unit.code), unit);
    const number = this.unitCount(owner) + 1;
    this.#unitCounts.set(scoped(owner, ''), number);
    this.#definedUnits.push({ owner, unit, number });
  }

  period(owner: Owner, month: string): Period | undefined {
    return this.#periods.get(scoped(owner, month));
  }

  /** The latest month that is closed or closing. */
  latestMonth(owner: Owner): string | undefined {
    return this.#latestMonths.get(scoped(owner, ''));
  }

  close(owner: Owner, closing: Closing): void {
    const { period } = closing;
    this.#periods.set(scoped(owner, period.month), period);
    this.#latestMonths.set(scoped(owner, ''), period.month);
    this.#closings.push({ ...closing, owner });
  }

  transactionType(owner: Owner, name: string): TransactionType | undefined {
    return this.#types.get(scoped(owner, name));
  }

  defineType(owner: Owner, type: TransactionType): void {
    this.#types.set(scoped(owner, type.id), type);
    this.#defined.push({ owner, type });
  }

  keepType(typed: TypedTransfer): void {
    this.#typed.push(typed);
  }

  /** A posted transfer: one that was loaded, or one of the batch itself. */
  booked(owner: Owner, transfer: string): Booked | undefined {
    const key = scoped(owner, transfer);
    return this.#booked.get(key) ?? this.#justBooked(key);
  }

  keepBooked(owner: Owner, transfer: string, booked: Booked): void {
    this.#booked.set(scoped(owner, transfer), booked);
  }

  /** From now on the account or the transfer has this metadata. */
  tell({ tenant, livemode, actor }: Asker, version: Omit<MetadataVersion, keyof Asker>): void {
    this.#metadata.push({ tenant, livemode, actor, ...version });
  }

  /** Looked for among the batch's transfers when it is asked for, which is rare: nothing is kept of the others. */
  #justBooked(key: string): Booked | undefined {
    const found = this.#transfers.find(({ owner, id }) => scoped(owner, id) === key);
    if (!found) return undefined;
    const corrected = [...this.#reversals.values()].find(
      ({ owner, original: { correctedBy } }) => correctedBy !== null && scoped(owner, correctedBy) === key,
    );
    const corrects = corrected?.transfer ?? null;
    return { ...found, corrects, effectiveAt: found.effectiveAt ?? this.now, recordedAt: this.now, version: 1 };
  }

  changes(): BookChanges {
    return {
      opened: this.#pick(this.#accounts, this.#opened),
      changed: this.#pick(this.#accounts, this.#changed),
      details: this.#pick(this.#details, new Set([...this.#opened, ...this.#retold])),
      transfers: this.#transfers,
      holds: this.#changedHolds,
      reversals: this.#reversals,
      units: this.#definedUnits,
      closings: this.#closings,
      defined: this.#defined,
      typed: this.#typed,
      metadata: this.#metadata,
    };
  }

  #pick<T>(all: ReadonlyMap<string, T>, keys: ReadonlySet<string>): Map<string, T> {
    return new Map([...keys].map((key) => [key, all.get(key) as T]));
  }
}

/** Ids and paths are only unique within a tenant's mode: every key starts with both. */
export function scoped({ tenant, livemode }: Owner, id: string): string {
  if (tenant !== lately.tenant || livemode !== lately.livemode || lately.keys.size >= KEYS_MAX)
    lately = { tenant, livemode, keys: new Map() };
  let key = lately.keys.get(id);
  if (key === undefined) lately.keys.set(id, (key = `${tenant}/${livemode ? 'live' : 'test'}/${id}`));
  return key;
}

/** A batch names each id ten times, and to make its key anew costs ten times as much as to find it. */
const KEYS_MAX = 4_096;
let lately = { tenant: '', livemode: false, keys: new Map<string, string>() };
