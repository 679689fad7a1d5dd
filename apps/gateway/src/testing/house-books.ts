import type {
  AccountCounters,
  AccountOpen,
  AccountOpened,
  AccountSnapshot,
  AccountUpdate,
  AssetDefine,
  ConversionPost,
  GroupPost,
  HoldPlace,
  HoldPost,
  HoldState,
  HoldVoid,
  PeriodClose,
  TransactionTypeDefine,
  MessageData,
  TransferCorrect,
  TransferReverse,
  TransferStanding,
  TransferUpdate,
} from '@payflow/contracts';

type Counter = 'posted_debits' | 'posted_credits' | 'pending_debits' | 'pending_credits';
export type Verdict = {
  [T in keyof MessageData]: { readonly type: T; readonly data: MessageData[T] };
}[keyof MessageData];

interface Moved {
  readonly debit_account: string;
  readonly credit_account: string;
  readonly amount: string;
  readonly asset: string;
  reversed: bigint;
  corrected?: true;
  /** Whether it moves another one back. */
  reverses?: boolean;
  version?: number;
}

/** As much of the ledger as the gateway can tell apart: counters, versions, holds, and a refusal of each kind. */
export class HouseBooks {
  /** Accounts whose debits are refused. */
  readonly empty = new Set<string>();
  readonly #accounts = new Map<string, AccountOpened>();
  readonly #units = new Map<string, AssetDefine>();
  readonly #transfers = new Map<string, Moved>();
  readonly #holds = new Map<string, Omit<HoldState, 'recorded_at'>>();
  readonly #closing = new Set<string>();
  readonly #typeVersions = new Map<string, number>();

  open({ id, asset, kind, overdraft, overdraft_limit, path, metadata, created_at }: AccountOpen): Verdict {
    const counters = { posted_debits: '0', posted_credits: '0', pending_debits: '0', pending_credits: '0' };
    const terms = { id, asset, kind, state: 'open' as const, overdraft, overdraft_limit };
    const opened = { ...terms, ...counters, version: 1, path, metadata, created_at };
    this.#accounts.set(id, opened);
    return { type: 'payflow.account.opened.v1', data: opened };
  }

  update({ id, state, overdraft, overdraft_limit, metadata, if_version }: AccountUpdate): Verdict {
    const known = this.#accounts.get(id) as AccountOpened;
    const reason =
      if_version !== null && if_version !== known.version
        ? 'version_differs'
        : known.state === 'closed'
          ? 'account_closed'
          : state === 'closed' && known.posted_debits !== known.posted_credits
            ? 'account_not_empty'
            : undefined;
    if (reason) return { type: 'payflow.account.update_rejected.v1', data: { id, reason, recorded_at: now() } };
    const updated = {
      ...known,
      state: state ?? known.state,
      overdraft: overdraft ?? known.overdraft,
      overdraft_limit: overdraft_limit ?? (overdraft ? '0' : known.overdraft_limit),
      metadata: metadata ?? known.metadata,
      version: known.version + 1,
    };
    this.#accounts.set(id, updated);
    return { type: 'payflow.account.updated.v1', data: updated };
  }

  /** A code has one meaning for each owner. */
  define({ tenant, livemode }: { readonly tenant: string; readonly livemode: boolean }, unit: AssetDefine): Verdict {
    const key = `${tenant}/${livemode}/${unit.id}`;
    const known = this.#units.get(key) ?? unit;
    if (known.scale !== unit.scale || known.name !== unit.name)
      return {
        type: 'payflow.asset.rejected.v1',
        data: { id: unit.id, reason: 'asset_exists', recorded_at: now() },
      };
    this.#units.set(key, known);
    return { type: 'payflow.asset.defined.v1', data: known };
  }

  /** Moves money without a word; both accounts as that left them. */
  pay(debit: string, credit: string, amount: string): AccountSnapshot[] {
    return [this.#add(debit, 'posted_debits', amount), this.#add(credit, 'posted_credits', amount)];
  }

  /** An `up_to` leg moves half of what was asked for. */
  post({ id, legs: asked, conditions, effective_at, metadata, mode }: GroupPost): Verdict {
    const unmet = conditions.some(({ account, version }) => version !== null && version !== this.#version(account));
    const at = asked.findIndex(({ debit_account }) => this.empty.has(debit_account));
    const skipped = mode && !unmet ? asked.slice(at + 1).map((leg) => leg.id) : [];
    const stops = mode !== undefined && !unmet && at > 0;
    if (unmet || (at >= 0 && !stops)) {
      const [reason, leg] = unmet ? ['condition_failed', null] : ['insufficient_funds', at];
      const refused = this.#refuseGroup(id, asked[0]?.debit_account ?? '', reason as string, leg as number | null);
      return skipped.length > 0 ? ({ ...refused, data: { ...refused.data, skipped } } as Verdict) : refused;
    }
    const legs = stops ? asked.slice(0, at) : asked;
    const stopped = { leg: at, transfer: asked[at]?.id ?? '', reason: 'insufficient_funds', skipped };
    const posted = legs.map(({ up_to, type: _, ...leg }) => ({
      ...leg,
      amount: up_to ? (BigInt(leg.amount) / 2n).toString() : leg.amount,
    }));
    for (const leg of posted) {
      this.pay(leg.debit_account, leg.credit_account, leg.amount);
      this.#transfers.set(leg.id, { ...leg, reversed: 0n });
    }
    const touched = new Set(posted.flatMap(({ debit_account, credit_account }) => [debit_account, credit_account]));
    const accounts = [...touched].map((account) => this.#counters(account));
    const recorded_at = now();
    const times = { effective_at: effective_at ?? recorded_at, recorded_at };
    return {
      type: 'payflow.group.posted.v1',
      data: {
        id,
        reverses: null,
        legs: posted,
        accounts,
        metadata,
        ...times,
        types: keptTypes(legs),
        ...(stops ? { stopped } : {}),
      },
    };
  }

  /** Books both transfers, as a group that tells the rate. */
  convert({ id, transfers, source_amount, rate, metadata, conditions = [], ...named }: ConversionPost): Verdict {
    const amount = (BigInt(source_amount) * BigInt(rate.numerator)) / BigInt(rate.denominator);
    const legs = [
      { debit_account: named.source, credit_account: named.source_liquidity, asset: named.source_asset },
      { debit_account: named.destination_liquidity, credit_account: named.destination, asset: named.destination_asset },
    ].map((leg, at) => ({
      ...leg,
      id: transfers[at] ?? '',
      amount: at === 0 ? source_amount : amount.toString(),
      up_to: false,
    }));
    const verdict = this.post({ id, legs, conditions, effective_at: null, metadata });
    return verdict.type === 'payflow.group.posted.v1' ? { ...verdict, data: { ...verdict.data, rate } } : verdict;
  }

  reverse({ id, transfer, original, amount, debit_account, metadata, type, if_standing }: TransferReverse): Verdict {
    if (this.#standsOtherwise(original, if_standing))
      return this.#refuseGroup(id, debit_account, 'version_differs', null);
    const moved = this.#transfers.get(original);
    const left = moved ? BigInt(moved.amount) - moved.reversed : 0n;
    const back = amount === null ? left : BigInt(amount);
    if (moved?.reverses) return this.#refuseGroup(id, debit_account, 'transfer_is_reversal', null);
    if (!moved || back > left || left === 0n)
      return this.#refuseGroup(id, debit_account, 'reversal_exceeds_original', null);
    moved.reversed += back;
    const accounts = { debit_account: moved.credit_account, credit_account: moved.debit_account };
    const leg = { id: transfer, ...accounts, amount: back.toString(), asset: moved.asset };
    this.pay(leg.debit_account, leg.credit_account, leg.amount);
    this.#transfers.set(transfer, { ...leg, reversed: 0n, reverses: true });
    const recorded_at = now();
    return {
      type: 'payflow.group.posted.v1',
      data: {
        id,
        reverses: { transfer: original, reversed: moved.reversed.toString() },
        legs: [leg],
        types: keptTypes([type === undefined ? {} : { type }]),
        accounts: [this.#counters(leg.debit_account), this.#counters(leg.credit_account)],
        effective_at: recorded_at,
        metadata,
        recorded_at,
      },
    };
  }

  correct({
    id,
    original,
    reversal,
    replacement,
    effective_at,
    debit_account,
    metadata,
    ...given
  }: TransferCorrect): Verdict {
    if (this.#standsOtherwise(original, given.if_standing))
      return this.#refuseGroup(id, debit_account, 'version_differs', null);
    const moved = this.#transfers.get(original);
    const left = moved ? BigInt(moved.amount) - moved.reversed : 0n;
    if (moved?.reverses) return this.#refuseGroup(id, debit_account, 'transfer_is_reversal', null);
    if (!moved || left === 0n) {
      const reason = moved?.corrected ? 'transfer_corrected' : 'reversal_exceeds_original';
      return this.#refuseGroup(id, debit_account, reason, null);
    }
    moved.reversed += left;
    moved.corrected = true;
    const accounts = { debit_account: moved.credit_account, credit_account: moved.debit_account };
    const recorded_at = now();
    const back = { id: reversal, ...accounts, amount: left.toString(), asset: moved.asset, effective_at: recorded_at };
    const { type, ...movement } = { ...replacement, amount: replacement.amount ?? left.toString() };
    const legs = [back, { ...movement, effective_at: effective_at ?? recorded_at }];
    for (const [at, leg] of legs.entries()) {
      this.pay(leg.debit_account, leg.credit_account, leg.amount);
      this.#transfers.set(leg.id, { ...leg, reversed: 0n, reverses: at === 0 });
    }
    const touched = new Set(legs.flatMap((leg) => [leg.debit_account, leg.credit_account]));
    return {
      type: 'payflow.group.posted.v1',
      data: {
        id,
        reverses: { transfer: original, reversed: moved.reversed.toString() },
        corrects: original,
        legs,
        types: keptTypes([{}, type === undefined ? {} : { type }]),
        accounts: [...touched].map((account) => this.#counters(account)),
        effective_at: effective_at ?? recorded_at,
        metadata,
        recorded_at,
      },
    };
  }

  #standsOtherwise(id: string, seen: TransferStanding | undefined): boolean {
    const { reversed, version = 1 } = this.#transfers.get(id) ?? {};
    return seen !== undefined && (seen.version !== version || seen.reversed !== reversed?.toString());
  }

  annotate({ id, debit_account, metadata, if_version }: TransferUpdate): Verdict {
    const moved = this.#transfers.get(id);
    const version = moved?.version ?? 1;
    if (!moved || (if_version !== null && if_version !== version)) {
      const reason = moved ? 'version_differs' : 'transfer_not_found';
      return { type: 'payflow.transfer.update_rejected.v1', data: { id, debit_account, reason, recorded_at: now() } };
    }
    moved.version = version + 1;
    const { credit_account, amount, asset } = moved;
    const links = { payment: null, group: null, hold: null, reverses: null, corrects: null };
    const at = now();
    const times = { effective_at: at, recorded_at: at, changed_at: at };
    const facts = { id, debit_account, credit_account, amount, asset };
    return {
      type: 'payflow.transfer.updated.v1',
      data: { ...facts, ...links, ...times, metadata, version: moved.version },
    };
  }

  place({ id, payment, debit_account, credit_account, amount, asset, expires_at, type: name }: HoldPlace): Verdict {
    if (this.empty.has(debit_account))
      return this.#refuseHold({ id, operation: 'place', transfer: null, debit_account, reason: 'insufficient_funds' });
    const hold = {
      id,
      payment,
      status: 'pending' as const,
      amount,
      posted: '0',
      asset,
      expires_at,
      version: 1,
      debit_account: this.#add(debit_account, 'pending_debits', amount),
      credit_account: this.#add(credit_account, 'pending_credits', amount),
      ...(name === undefined ? {} : { type: { name, version: 1 } }),
    };
    this.#holds.set(id, hold);
    return { type: 'payflow.hold.placed.v1', data: { ...hold, recorded_at: now() } };
  }

  postHold({ id: transfer, hold: id, debit_account, credit_account, amount, final, if_version }: HoldPost): Verdict {
    const held = this.#holds.get(id);
    const left = held ? BigInt(held.amount) - BigInt(held.posted) : 0n;
    const posted = amount === null ? left : BigInt(amount);
    const refused = held?.status !== 'pending' ? 'hold_not_pending' : posted > left ? 'hold_exceeded' : undefined;
    const reason = differs(held, if_version) ? 'version_differs' : refused;
    if (!held || reason)
      return this.#refuseHold({ id, operation: 'post', transfer, debit_account, reason: reason ?? 'hold_not_found' });
    const isOver = final || posted === left;
    const transferred = posted.toString();
    this.pay(debit_account, credit_account, transferred);
    this.#transfers.set(transfer, {
      debit_account,
      credit_account,
      amount: transferred,
      asset: held.asset,
      reversed: 0n,
    });
    const changed = { ...held, posted: (BigInt(held.posted) + posted).toString() };
    const state = this.#end(changed, isOver ? 'posted' : 'pending', isOver ? left : posted);
    return { type: 'payflow.hold.posted.v1', data: { ...state, transfer, transferred } };
  }

  voidHold({ id, debit_account, expired, if_version }: HoldVoid): Verdict {
    const held = this.#holds.get(id);
    if (differs(held, if_version))
      return this.#refuseHold({ id, operation: 'void', transfer: null, debit_account, reason: 'version_differs' });
    if (held?.status !== 'pending')
      return this.#refuseHold({ id, operation: 'void', transfer: null, debit_account, reason: 'hold_not_pending' });
    const left = BigInt(held.amount) - BigInt(held.posted);
    return { type: 'payflow.hold.voided.v1', data: this.#end(held, expired ? 'expired' : 'voided', left) };
  }

  defineType({ if_version, ...terms }: TransactionTypeDefine): Verdict {
    const { id } = terms;
    const known = this.#typeVersions.get(id);
    if (if_version !== null && if_version !== known)
      return {
        type: 'payflow.transaction_type.rejected.v1',
        data: { id, reason: 'version_differs', recorded_at: now() },
      };
    const version = (known ?? 0) + 1;
    this.#typeVersions.set(id, version);
    return { type: 'payflow.transaction_type.defined.v1', data: { ...terms, version, defined_at: now() } };
  }

  /** Months of this century are over. */
  closePeriod({ id, if_version: seen }: PeriodClose): Verdict {
    if (seen !== undefined && seen !== (this.#closing.has(id) ? 1 : 0))
      return { type: 'payflow.period.rejected.v1', data: { id, reason: 'version_differs', recorded_at: now() } };
    if (id >= '2100-01')
      return { type: 'payflow.period.rejected.v1', data: { id, reason: 'period_not_over', recorded_at: now() } };
    this.#closing.add(id);
    const times = { ends_at: '2100-01-01T00:00:00.000Z', closing_at: '2100-01-01T00:00:00.000Z' };
    return { type: 'payflow.period.closing.v1', data: { id, ...times, version: 1 } };
  }

  #end(hold: Omit<HoldState, 'recorded_at'>, status: HoldState['status'], released: bigint): HoldState {
    const changed = {
      ...hold,
      status,
      version: hold.version + 1,
      debit_account: this.#add(hold.debit_account.id, 'pending_debits', (-released).toString()),
      credit_account: this.#add(hold.credit_account.id, 'pending_credits', (-released).toString()),
    };
    this.#holds.set(hold.id, changed);
    return { ...changed, recorded_at: now() };
  }

  #add(id: string, counter: Counter, amount: string): AccountSnapshot {
    const known = this.#accounts.get(id) as AccountOpened;
    const sum = (BigInt(known[counter]) + BigInt(amount)).toString();
    this.#accounts.set(id, { ...known, [counter]: sum, version: known.version + 1 });
    return this.#snapshot(id);
  }

  #snapshot(id: string): AccountSnapshot {
    const { asset, kind, state, overdraft, overdraft_limit } = this.#accounts.get(id) as AccountOpened;
    return { ...this.#counters(id), asset, kind, state, overdraft, overdraft_limit };
  }

  #counters(id: string): AccountCounters {
    const known = this.#accounts.get(id) as AccountOpened;
    const { posted_debits, posted_credits, pending_debits, pending_credits, version } = known;
    return { id, posted_debits, posted_credits, pending_debits, pending_credits, version };
  }

  #version(id: string): number | undefined {
    return this.#accounts.get(id)?.version;
  }

  #refuseGroup(id: string, debit_account: string, reason: string, leg: number | null): Verdict {
    return { type: 'payflow.group.rejected.v1', data: { id, debit_account, reason, leg, recorded_at: now() } };
  }

  #refuseHold(facts: Omit<MessageData['payflow.hold.rejected.v1'], 'payment' | 'recorded_at'>): Verdict {
    return { type: 'payflow.hold.rejected.v1', data: { ...facts, payment: null, recorded_at: now() } };
  }
}

function keptTypes(legs: readonly { readonly type?: string }[]) {
  const places = Map.groupBy(legs.keys(), (at) => legs[at]?.type);
  return [...places].flatMap(([type, at]) => (type === undefined ? [] : [{ type, version: 1, legs: at }]));
}

function now(): string {
  return new Date().toISOString();
}

function differs(held: { readonly version: number } | undefined, seen: number | undefined): boolean {
  return held !== undefined && seen !== undefined && held.version !== seen;
}
