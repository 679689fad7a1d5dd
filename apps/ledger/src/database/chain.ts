import { partitionOf, uuidOf } from '@payflow/contracts';
import type { BookedTransfer } from '../domain/book.js';
import { linkHash } from '../proof/inclusion-proof.js';
import { accountKey, accountUuid, type LockedAccounts } from './account.repository.js';

/**
 * Every transfer carries SHA-256 over its predecessor's hash and what it says itself, so that no row of the past can be
 * changed, removed or slipped in without all that follow it becoming wrong. One chain for all would let one batch write at a
 * time; so there are as many as the largest number of partitions, and since every number of partitions divides that, two
 * partitions never share a chain.
 */
export const CHAINS = 12;

/** Where a chain has come to. */
export interface ChainHead {
  readonly position: bigint;
  /** Hexadecimal. */
  readonly hash: string;
}

/** What the first transfer of a chain builds on. */
export const GENESIS: ChainHead = { position: 0n, hash: '0'.repeat(64) };

/** A transfer with its place in a chain, and its row's values as they are both hashed and stored. */
export interface ChainedTransfer {
  readonly transfer: BookedTransfer;
  readonly row: TransferRow;
  readonly position: bigint;
  /** Hexadecimal. */
  readonly hash: string;
}

interface TransferRow {
  readonly tenant: string;
  readonly livemode: boolean;
  readonly id: string;
  readonly debit: string;
  readonly credit: string;
  readonly payment: string | null;
  readonly group: string | null;
  readonly hold: string | null;
  readonly reverses: string | null;
}

/** The chain of a batch: its messages lie in one partition, and any of their keys tells which. */
export function chainOf(recordKey: string): number {
  return partitionOf(recordKey, CHAINS);
}

/** Links a batch's transfers to the head, in order. */
export function linked(
  head: ChainHead,
  transfers: readonly BookedTransfer[],
  keys: LockedAccounts['keys'],
  now: Date,
): ChainedTransfer[] {
  let { position, hash: previous } = head;
  return transfers.map((transfer) => {
    const row = rowOf(transfer, keys);
    position += 1n;
    previous = linkHash(previous, position, canonical(transfer, row, now));
    return { transfer, row, position, hash: previous };
  });
}

/** Unambiguous: no value holds the separator. {@link CANONICAL_SQL} says the same. */
function canonical({ amount, asset, effectiveAt }: BookedTransfer, row: TransferRow, now: Date): string {
  const { tenant, livemode, id, debit, credit, payment, group, hold, reverses } = row;
  const effective_ms = effectiveAt === null ? '' : Date.parse(effectiveAt);
  return [
    `${tenant}|${livemode}|${id}|${now.getTime()}|${debit}|${credit}|${amount}|${asset}`,
    `${payment ?? ''}|${group ?? ''}|${hold ?? ''}|${reverses ?? ''}|${effective_ms}`,
  ].join('|');
}

/** Milliseconds as text. All digits that are there, and of no time at all a word: rounded, or refused, a row that was changed would hide. */
const MS = (column: string): string => `trim_scale(extract(epoch from ${column}) * 1000)`;

/** What the hash of the row `t` is taken over, after the previous hash and the position. */
export const CANONICAL_SQL = `concat(t.tenant_id, '|', t.livemode::text, '|', t.id, '|', ${MS('t.recorded_at')}, '|',
  t.debit_account_id, '|', t.credit_account_id, '|', t.amount_minor, '|', t.asset, '|', t.payment_id, '|', t.group_id, '|', t.hold_id, '|',
  t.reverses_id, '|', ${MS('t.effective_at')})`;

/** The values of a transfer's row, ids as UUIDs. */
export function rowOf(transfer: BookedTransfer, keys: LockedAccounts['keys']): TransferRow {
  const { owner, id, payment, group, hold, reverses } = transfer;
  const debit = accountKey(keys, owner, transfer.debitAccount);
  return {
    tenant: debit.tenant,
    livemode: owner.livemode,
    id: uuidOf('transfer', id),
    debit: debit.uuid,
    credit: accountUuid(keys, owner, transfer.creditAccount),
    payment: payment && uuidOf('payment', payment),
    group: group && uuidOf('group', group),
    hold: hold && uuidOf('hold', hold),
    reverses: reverses && uuidOf('transfer', reverses),
  };
}
