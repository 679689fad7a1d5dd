import { fromUuid, uuidOf, type HoldStatus } from '@payflow/contracts';
import { statement, type Transaction } from '@payflow/database';
import { scoped, type BookChanges, type Owner } from '../domain/book.js';
import type { Hold } from '../domain/hold.js';
import type { Original } from '../domain/reversal.js';
import type { Booked } from '../domain/transfer-change.js';
import { accountUuid, type LockedAccounts } from './account.repository.js';
import type { KeyedCommand } from './command-key.js';
import { insertVersions, versionColumns } from './metadata-version.repository.js';

/**
 * What a batch needs beside accounts and verdicts: paths that are taken, holds, and how much of a transfer has been moved
 * back. All of it lies under the lock of its accounts, so it is read after that and needs no lock of its own.
 */
export interface LoadedAside {
  readonly takenPaths: ReadonlySet<string>;
  readonly holds: ReadonlyMap<string, Hold>;
  /** By scoped transfer id; absent where nothing has been moved back. */
  readonly reversed: ReadonlyMap<string, Pick<Original, 'reversed' | 'correctedBy'>>;
  /** Transfers that shall be corrected, or get other metadata, by scoped id. */
  readonly booked: ReadonlyMap<string, Booked>;
}

const ASIDE = `
   select tenant_id, livemode, 'path' as what, path as name, null as id, null as facts from accounts
   where (tenant_id, livemode, path) in (select * from unnest($1::uuid[], $2::boolean[], $3::text[]))
   union all
   select tenant_id, livemode, 'hold', null, id, json_build_object('payment', payment_id, 'debit', debit_account_id,
     'credit', credit_account_id, 'amount', amount_minor::text, 'posted', posted_minor::text, 'asset', asset, 'status', status,
     'expires_at', expires_at, 'version', version)
   from holds where (tenant_id, livemode, id) in (select * from unnest($4::uuid[], $5::boolean[], $6::uuid[]))
   union all
   select tenant_id, livemode, 'reversal', null, transfer_id, json_build_object('reversed', reversed_minor::text, 'corrected_by', corrected_by_id)
   from reversals where (tenant_id, livemode, transfer_id) in (select * from unnest($7::uuid[], $8::boolean[], $9::uuid[]))`;
const LOAD = statement('ledger.load-aside', ASIDE);

// A transfer lies in one of many months: they are looked through for those alone that need it.
const LOAD_BOOKED = statement(
  'ledger.load-aside-booked',
  `${ASIDE} union all
   select t.tenant_id, t.livemode, 'booked', null, t.id, json_build_object('debit', t.debit_account_id, 'credit', t.credit_account_id,
     'amount', t.amount_minor::text, 'asset', t.asset, 'payment', t.payment_id, 'group', t.group_id, 'hold', t.hold_id,
     'reverses', t.reverses_id, 'corrects', c.transfer_id, 'effective_at', coalesce(t.effective_at, t.recorded_at),
     'recorded_at', t.recorded_at, 'version', coalesce((
       select max(m.version) from metadata_versions m
       where m.tenant_id = t.tenant_id and m.livemode = t.livemode and m.resource = 'transfer' and m.id = t.id), 1))
   from transfers t
   left join reversals c on c.tenant_id = t.tenant_id and c.livemode = t.livemode and c.corrected_by_id = t.id
   where (t.tenant_id, t.livemode, t.id) in (select * from unnest($10::uuid[], $11::boolean[], $12::uuid[]))`,
);

const HELD = `with held as (
     insert into holds as h (tenant_id, livemode, id, payment_id, debit_account_id, credit_account_id, amount_minor, asset, posted_minor,
       status, expires_at, version, changed_at, placed_at)
     select *, $13::timestamptz, $13::timestamptz from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[],
       $7::bigint[], $8::text[], $9::bigint[], $10::text[], $11::timestamptz[], $12::bigint[])
     on conflict (tenant_id, livemode, id) do update set posted_minor = excluded.posted_minor, status = excluded.status,
       version = excluded.version, changed_at = excluded.changed_at, xact_id = pg_current_xact_id())`;
const REVERSED = `
   insert into reversals as r (tenant_id, livemode, transfer_id, amount_minor, reversed_minor, corrected_by_id)
   select * from unnest($14::uuid[], $15::boolean[], $16::uuid[], $17::bigint[], $18::bigint[], $19::uuid[])
   on conflict (tenant_id, livemode, transfer_id) do update set reversed_minor = excluded.reversed_minor,
     corrected_by_id = excluded.corrected_by_id,
     version = r.version + 1`;
const SAVE = statement('ledger.save-aside', `${HELD} ${REVERSED}`);
const SAVE_TOLD = statement('ledger.save-aside-told', `${HELD}, told as (${insertVersions(20, '$13')}) ${REVERSED}`);

interface AsideRow {
  tenant_id: string;
  livemode: boolean;
  what: 'path' | 'hold' | 'reversal' | 'booked';
  name: string | null;
  id: string | null;
  facts: HoldFacts | ReversalFacts | BookedFacts | null;
}

interface ReversalFacts {
  readonly reversed: string;
  readonly corrected_by: string | null;
}

interface BookedFacts {
  readonly debit: string;
  readonly credit: string;
  readonly amount: string;
  readonly asset: string;
  readonly payment: string | null;
  readonly group: string | null;
  readonly hold: string | null;
  readonly reverses: string | null;
  readonly corrects: string | null;
  readonly effective_at: string;
  readonly recorded_at: string;
  readonly version: number;
}

interface HoldFacts {
  readonly payment: string | null;
  readonly debit: string;
  readonly credit: string;
  readonly amount: string;
  readonly posted: string;
  readonly asset: string;
  readonly status: HoldStatus;
  readonly expires_at: string | null;
  readonly version: number;
}

interface Wanted {
  readonly tenant: string;
  readonly livemode: boolean;
  readonly value: string;
}

/** Loads what the commands name of it. */
export async function loadAside(tx: Transaction, commands: readonly KeyedCommand[]): Promise<LoadedAside> {
  const paths = commands.flatMap((each) =>
    each.command.type === 'payflow.account.open.v1' && each.command.data.path !== null
      ? [wantedOf(each, each.command.data.path)]
      : [],
  );
  const holds = commands.flatMap((each) => {
    if (each.command.type === 'payflow.hold.post.v1') return [wantedOf(each, uuidOf('hold', each.command.data.hold))];
    return each.command.type === 'payflow.hold.void.v1' ? [wantedOf(each, uuidOf('hold', each.command.data.id))] : [];
  });
  const originals = commands.flatMap((each) =>
    each.command.type === 'payflow.transfer.reverse.v1' || each.command.type === 'payflow.transfer.correct.v1'
      ? [wantedOf(each, uuidOf('transfer', each.command.data.original))]
      : [],
  );
  const booked = commands.flatMap((each) => {
    if (each.command.type === 'payflow.transfer.correct.v1')
      return [wantedOf(each, uuidOf('transfer', each.command.data.original))];
    return each.command.type === 'payflow.transfer.update.v1'
      ? [wantedOf(each, uuidOf('transfer', each.command.data.id))]
      : [];
  });
  const nothing = paths.length + holds.length + originals.length + booked.length === 0;
  const rows = nothing
    ? []
    : await tx.rows<AsideRow & Record<string, unknown>>(booked.length > 0 ? LOAD_BOOKED : LOAD, [
        ...[paths, holds, originals].flatMap(columns),
        ...(booked.length > 0 ? columns(booked) : []),
      ]);
  return {
    takenPaths: new Set(rows.flatMap((row) => (row.what === 'path' ? [scoped(ownerOf(row), row.name as string)] : []))),
    holds: new Map(rows.flatMap((row) => (row.what === 'hold' ? [[scopedId('hold', row), toHold(row)] as const] : []))),
    reversed: new Map(
      rows.flatMap((row) =>
        row.what === 'reversal' ? [[scopedId('transfer', row), toReversed(row.facts as ReversalFacts)] as const] : [],
      ),
    ),
    booked: new Map(
      rows.flatMap((row) =>
        row.what === 'booked' ? [[scopedId('transfer', row), toBooked(row.facts as BookedFacts)] as const] : [],
      ),
    ),
  };
}

/** Saves the holds and reversals that a batch changed, one row each, and the metadata that transfers got. */
export async function saveAside(
  tx: Transaction,
  { holds, reversals, metadata }: Pick<BookChanges, 'holds' | 'reversals' | 'metadata'>,
  keys: LockedAccounts['keys'],
  now: Date,
): Promise<void> {
  const told = metadata.filter(({ of }) => of === 'transfer');
  if (holds.size + reversals.size + told.length === 0) return;
  const held = [...holds.values()];
  const reversed = [...reversals.values()];
  await tx.rows(told.length > 0 ? SAVE_TOLD : SAVE, [
    held.map(({ owner }) => uuidOf('tenant', owner.tenant)),
    held.map(({ owner }) => owner.livemode),
    held.map(({ hold }) => uuidOf('hold', hold.id)),
    held.map(({ hold }) => hold.payment && uuidOf('payment', hold.payment)),
    held.map(({ owner, hold }) => accountUuid(keys, owner, hold.debitAccount)),
    held.map(({ owner, hold }) => accountUuid(keys, owner, hold.creditAccount)),
    held.map(({ hold }) => hold.amount),
    held.map(({ hold }) => hold.asset),
    held.map(({ hold }) => hold.posted),
    held.map(({ hold }) => hold.status),
    held.map(({ hold }) => hold.expiresAt),
    held.map(({ hold }) => hold.version),
    now,
    reversed.map(({ owner }) => uuidOf('tenant', owner.tenant)),
    reversed.map(({ owner }) => owner.livemode),
    reversed.map(({ transfer }) => uuidOf('transfer', transfer)),
    reversed.map(({ original }) => original.amount),
    reversed.map(({ original }) => original.reversed),
    reversed.map(({ original }) => original.correctedBy && uuidOf('transfer', original.correctedBy)),
    ...(told.length > 0 ? versionColumns(told) : []),
  ]);
}

function wantedOf({ tenant, command }: KeyedCommand, value: string): Wanted {
  return { tenant, livemode: command.livemode, value };
}

function columns(wanted: readonly Wanted[]): unknown[] {
  return [wanted.map(({ tenant }) => tenant), wanted.map(({ livemode }) => livemode), wanted.map(({ value }) => value)];
}

function ownerOf(row: AsideRow): Owner {
  return { tenant: fromUuid('tenant', row.tenant_id), livemode: row.livemode };
}

function scopedId(kind: 'hold' | 'transfer', row: AsideRow): string {
  return scoped(ownerOf(row), fromUuid(kind, row.id as string));
}

function toReversed({ reversed, corrected_by }: ReversalFacts): Pick<Original, 'reversed' | 'correctedBy'> {
  return { reversed: BigInt(reversed), correctedBy: corrected_by && fromUuid('transfer', corrected_by) };
}

function toBooked(facts: BookedFacts): Booked {
  return {
    debitAccount: fromUuid('account', facts.debit),
    creditAccount: fromUuid('account', facts.credit),
    amount: BigInt(facts.amount),
    asset: facts.asset,
    payment: facts.payment && fromUuid('payment', facts.payment),
    group: facts.group && fromUuid('group', facts.group),
    hold: facts.hold && fromUuid('hold', facts.hold),
    reverses: facts.reverses && fromUuid('transfer', facts.reverses),
    corrects: facts.corrects && fromUuid('transfer', facts.corrects),
    effectiveAt: instantOf(facts.effective_at),
    recordedAt: instantOf(facts.recorded_at),
    version: facts.version,
  };
}

/** As the books write instants, however the database does. */
function instantOf(text: string): string {
  return new Date(text).toISOString();
}

function toHold(row: AsideRow): Hold {
  const facts = row.facts as HoldFacts;
  return {
    id: fromUuid('hold', row.id as string),
    payment: facts.payment && fromUuid('payment', facts.payment),
    debitAccount: fromUuid('account', facts.debit),
    creditAccount: fromUuid('account', facts.credit),
    amount: BigInt(facts.amount),
    posted: BigInt(facts.posted),
    asset: facts.asset,
    status: facts.status,
    expiresAt: facts.expires_at && instantOf(facts.expires_at),
    version: facts.version,
  };
}
