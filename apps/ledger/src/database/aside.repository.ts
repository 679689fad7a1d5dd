import { fromUuid, uuidOf, type HoldStatus } from '@payflow/contracts';
import { statement, type Transaction } from '@payflow/database';
import { aheadOf } from '@payflow/messaging';
import { isAssetCode } from '@payflow/money';
import { scoped, type BookChanges, type Owner } from '../domain/book.js';
import type { Hold } from '../domain/hold.js';
import type { Original } from '../domain/reversal.js';
import type { Booked } from '../domain/transfer-change.js';
import type { Unit } from '../domain/unit.js';
import type { Period } from '../domain/period.js';
import type { TransactionType } from '../domain/transaction-type.js';
import { accountUuid, typesOf, type LockedAccounts } from './account.repository.js';
import type { KeyedCommand } from './command-key.js';
import { BOOKED, toBooked, type BookedFacts } from './transfer-facts.repository.js';
import { insertVersions, versionColumns } from './metadata-version.repository.js';
import { INSERT_PERIODS, PERIODS, toPeriod, type PeriodFacts } from './period.repository.js';
import { INSERT_TYPED, INSERT_TYPES, toType, TYPES, type TypeFacts } from './transaction-type.repository.js';

/**
 * What a batch needs beside accounts and verdicts: paths that are taken, holds, how much of a transfer has been moved back,
 * units of tenants' own, which months are closed, and the types that it names. Nearly all of it lies under the lock of its
 * accounts, so it is read after that and needs no lock of its own. Months do not: the mark of a closing waits for whoever may
 * have read too early to see it. Nor do units, which never change, and types: of a new version a batch at work need not know.
 */
export interface LoadedAside {
  readonly takenPaths: ReadonlySet<string>;
  readonly holds: ReadonlyMap<string, Hold>;
  /** By scoped transfer id; absent where nothing has been moved back. */
  readonly reversed: ReadonlyMap<string, Pick<Original, 'reversed' | 'correctedBy'>>;
  /** Transfers that shall be moved back or corrected, or get other metadata, by scoped id. */
  readonly booked: ReadonlyMap<string, Booked>;
  readonly units: ReadonlyMap<string, Unit>;
  readonly unitCounts: ReadonlyMap<string, number>;
  readonly periods: ReadonlyMap<string, Period>;
  readonly latestMonths: ReadonlyMap<string, string>;
  readonly types: ReadonlyMap<string, TransactionType>;
}

const AHEAD = aheadOf({ tenant: 'holds.tenant_id', livemode: 'holds.livemode' });

const ASIDE = `
   select tenant_id, livemode, 'path' as what, path as name, null as id, null as facts from accounts
   where (tenant_id, livemode, path) in (select * from unnest($1::uuid[], $2::boolean[], $3::text[]))
   union all
   select tenant_id, livemode, 'hold', null, id, json_build_object('payment', payment_id, 'debit', debit_account_id,
     'credit', credit_account_id, 'amount', amount_minor::text, 'posted', posted_minor::text, 'asset', asset, 'status', status,
     'expires_at', expires_at, 'version', version, 'type', type_name, 'type_version', type_version, 'ahead_ms', ${AHEAD},
     'changed', changed_at)
   from holds where (tenant_id, livemode, id) in (select * from unnest($4::uuid[], $5::boolean[], $6::uuid[]))
   union all
   select tenant_id, livemode, 'reversal', null, transfer_id, json_build_object('reversed', reversed_minor::text, 'corrected_by', corrected_by_id)
   from reversals where (tenant_id, livemode, transfer_id) in (select * from unnest($7::uuid[], $8::boolean[], $9::uuid[]))`;

const LOAD = statement('ledger.load-aside', ASIDE);

// With what few batches name: the others do not look for it. A transfer lies in one of many months.
const LOAD_ALL = statement(
  'ledger.load-aside-all',
  `${ASIDE}
   union all ${PERIODS(10)}
   union all ${TYPES(13)}
   union all
   select tenant_id, livemode, 'unit', code, null, json_build_object('scale', scale, 'name', name, 'created_at', created_at)
   from units where (tenant_id, livemode, code) in (select * from unnest($16::uuid[], $17::boolean[], $18::text[]))
   union all
   select tenant_id, livemode, 'units', null, null, json_build_object('count', count(*))
   from units where (tenant_id, livemode) in (select * from unnest($19::uuid[], $20::boolean[])) group by tenant_id, livemode
   union all ${BOOKED(21)}`,
);

const HELD = (types: number): string => `held as (
     insert into holds as h (tenant_id, livemode, id, payment_id, debit_account_id, credit_account_id, amount_minor, asset, posted_minor,
       status, expires_at, version, type_name, type_version, changed_at, placed_at)
     select *, $13::timestamptz, $13::timestamptz from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[],
       $7::bigint[], $8::text[], $9::bigint[], $10::text[], $11::timestamptz[], $12::bigint[], $${types}::text[], $${types + 1}::bigint[])
     on conflict (tenant_id, livemode, id) do update set posted_minor = excluded.posted_minor, status = excluded.status,
       version = excluded.version, changed_at = excluded.changed_at, xact_id = pg_current_xact_id())`;
const REVERSED = `insert into reversals as r (tenant_id, livemode, transfer_id, amount_minor, reversed_minor, corrected_by_id)
   select * from unnest($14::uuid[], $15::boolean[], $16::uuid[], $17::bigint[], $18::bigint[], $19::uuid[])
   on conflict (tenant_id, livemode, transfer_id) do update set reversed_minor = excluded.reversed_minor,
     corrected_by_id = excluded.corrected_by_id,
     version = r.version + 1`;

const SAVE = statement('ledger.save-aside', `with ${HELD(20)} ${REVERSED}`);

// With transfers' metadata, and with what is not under any account's lock, and so may have been another partition's first.
const SAVE_ALL = statement(
  'ledger.save-aside-all',
  `with ${HELD(53)}, reversed as (${REVERSED}),
   closing as (${INSERT_PERIODS(20)}), defined as (${INSERT_TYPES(26)}), typed as (${INSERT_TYPED(34)}),
   units_defined as (
     insert into units (tenant_id, livemode, code, scale, name, created_at, number)
     select * from unnest($39::uuid[], $40::boolean[], $41::text[], $42::smallint[], $43::text[], $44::timestamptz[], $52::smallint[])
     on conflict do nothing returning 1),
   told as (${insertVersions(45, '$13')})
   select ((select count(*) from closing) + (select count(*) from defined) + (select count(*) from typed)
     + (select count(*) from units_defined))::integer as saved`,
);

interface AsideRow {
  tenant_id: string;
  livemode: boolean;
  what: 'path' | 'hold' | 'reversal' | 'booked' | 'unit' | 'units' | 'period' | 'latest' | 'type';
  name: string | null;
  id: string | null;
  facts:
    HoldFacts | ReversalFacts | BookedFacts | UnitFacts | PeriodFacts | TypeFacts | { readonly count: number } | null;
}

interface UnitFacts {
  readonly scale: number;
  readonly name: string;
  readonly created_at: string;
}

interface ReversalFacts {
  readonly reversed: string;
  readonly corrected_by: string | null;
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
  readonly type: string | null;
  readonly type_version: number | null;
  /** Null of what is live. */
  readonly ahead_ms: number | null;
  readonly changed: string;
}

interface Wanted {
  readonly tenant: string;
  readonly livemode: boolean;
  readonly value: string | null;
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
  const others = {
    months: unique(commands.flatMap(monthsNamed)),
    types: unique(commands.flatMap(typesNamed)),
    units: commands.flatMap(unitsNamed),
    booked: commands.flatMap(bookedNamed),
  };
  const rows = await loadRows(tx, [paths, holds, originals], others);
  return {
    units: new Map(
      rows.flatMap((row) =>
        row.what === 'unit' ? [[scoped(ownerOf(row), row.name as string), toUnit(row)] as const] : [],
      ),
    ),
    unitCounts: new Map(
      rows.flatMap((row) =>
        row.what === 'units' ? [[scoped(ownerOf(row), ''), (row.facts as { count: number }).count] as const] : [],
      ),
    ),
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
    periods: new Map(rows.flatMap((row) => (row.what === 'period' ? [[scopedName(row), periodOf(row)] as const] : []))),
    latestMonths: new Map(
      rows.flatMap((row) => (row.what === 'latest' ? [[scoped(ownerOf(row), ''), row.name as string] as const] : [])),
    ),
    types: new Map(rows.flatMap((row) => (row.what === 'type' ? [[scopedName(row), typeOf(row)] as const] : []))),
  };
}

/** A code that is not everybody's, in a command that defines it or opens an account in it. */
function unitsNamed(each: KeyedCommand): (Wanted & { readonly isNew: boolean })[] {
  const { command } = each;
  if (command.type === 'payflow.asset.define.v1') return [{ ...wantedOf(each, command.data.id), isNew: true }];
  return command.type === 'payflow.account.open.v1' && !isAssetCode(command.data.asset)
    ? [{ ...wantedOf(each, command.data.asset), isNew: false }]
    : [];
}

function bookedNamed(each: KeyedCommand): Wanted[] {
  const { type, data } = each.command;
  // What moves another back itself is not moved back: its verdict, as that of a leg, does not say so.
  if (type === 'payflow.transfer.correct.v1' || type === 'payflow.transfer.reverse.v1')
    return [wantedOf(each, uuidOf('transfer', data.original))];
  return type === 'payflow.transfer.update.v1' ? [wantedOf(each, uuidOf('transfer', data.id))] : [];
}

interface Others {
  readonly months: readonly Wanted[];
  readonly types: readonly Wanted[];
  readonly units: readonly (Wanted & { readonly isNew: boolean })[];
  readonly booked: readonly Wanted[];
}

async function loadRows(
  tx: Transaction,
  common: readonly (readonly Wanted[])[],
  { months, types, units, booked }: Others,
): Promise<readonly AsideRow[]> {
  const parameters = common.flatMap(columns);
  if (months.length + types.length + units.length + booked.length > 0) {
    const [tenants, livemodes] = columns(units.filter(({ isNew }) => isNew));
    return tx.rows<AsideRow & Record<string, unknown>>(LOAD_ALL, [
      ...parameters,
      ...[months, types, units].flatMap(columns),
      tenants,
      livemodes,
      ...columns(booked),
    ]);
  }
  if (common.every((wanted) => wanted.length === 0)) return [];
  return tx.rows<AsideRow & Record<string, unknown>>(LOAD, parameters);
}

/** Whoever names an instant of the past, or closes a month, must know which is the latest that is closed. */
function monthsNamed(each: KeyedCommand): Wanted[] {
  const { type, data } = each.command;
  if (type === 'payflow.period.close.v1') return [wantedOf(each, null), wantedOf(each, data.id)];
  // A correction counts when its original did, where it says nothing else.
  if (type === 'payflow.transfer.correct.v1') return [wantedOf(each, null)];
  return 'effective_at' in data && data.effective_at !== null ? [wantedOf(each, null)] : [];
}

function typesNamed(each: KeyedCommand): Wanted[] {
  const { type, data } = each.command;
  if (type === 'payflow.transaction_type.define.v1') return [wantedOf(each, data.id)];
  return typesOf(each.command).map((name) => wantedOf(each, name));
}

type ChangesAside = Pick<BookChanges, 'holds' | 'reversals' | 'closings' | 'defined' | 'typed' | 'units' | 'metadata'>;

/** Whether there is something in it that no lock of the batch keeps another partition from. */
export function isContested({ closings, defined, typed, units, metadata }: ChangesAside): boolean {
  return (
    closings.length + defined.length + typed.length + units.length > 0 || metadata.some(({ of }) => of === 'transfer')
  );
}

/** Saves what a batch changed of all this, one row each. Returns false when another partition was first. */
export async function saveAside(
  tx: Transaction,
  changes: ChangesAside,
  keys: LockedAccounts['keys'],
  now: Date,
): Promise<boolean> {
  const { holds, reversals, closings, defined, typed, units } = changes;
  const terms = closings.length + defined.length + typed.length + units.length;
  const told = changes.metadata.filter(({ of }) => of === 'transfer');
  if (holds.size + reversals.size + terms + told.length === 0) return true;
  const held = [...holds.values()];
  const reversed = [...reversals.values()];
  const values = [
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
  ];
  const heldTypes = [
    held.map(({ hold }) => hold.type?.name ?? null),
    held.map(({ hold }) => hold.type?.version ?? null),
  ];
  if (terms + told.length === 0) {
    await tx.count(SAVE, [...values, ...heldTypes]);
    return true;
  }
  const [result] = await tx.rows<{ saved: number }>(SAVE_ALL, [
    ...values,
    closings.map(({ owner }) => uuidOf('tenant', owner.tenant)),
    closings.map(({ owner }) => owner.livemode),
    closings.map(({ period }) => period.month),
    closings.map(({ afterMonth }) => afterMonth),
    closings.map(({ period }) => period.told.data.ends_at),
    closings.map(({ period }) => period.told.data.closing_at),
    ...typeColumns(changes),
    units.map(({ owner }) => uuidOf('tenant', owner.tenant)),
    units.map(({ owner }) => owner.livemode),
    units.map(({ unit }) => unit.code),
    units.map(({ unit }) => unit.scale),
    units.map(({ unit }) => unit.name),
    units.map(({ unit }) => unit.createdAt),
    ...versionColumns(told),
    units.map(({ number }) => number),
    ...heldTypes,
  ]);
  return result?.saved === terms;
}

function typeColumns({ defined, typed }: Pick<BookChanges, 'defined' | 'typed'>): unknown[] {
  const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));
  return [
    defined.map(({ owner }) => uuidOf('tenant', owner.tenant)),
    defined.map(({ owner }) => owner.livemode),
    defined.map(({ type }) => type.id),
    defined.map(({ type }) => type.version),
    defined.map(({ type }) => json(type.debit)),
    defined.map(({ type }) => json(type.credit)),
    defined.map(({ type }) => json(type.template)),
    defined.map(({ type }) => type.defined_at),
    typed.map(({ owner }) => uuidOf('tenant', owner.tenant)),
    typed.map(({ owner }) => owner.livemode),
    typed.map(({ transfer }) => uuidOf('transfer', transfer)),
    typed.map(({ type }) => type),
    typed.map(({ version }) => version),
  ];
}

function wantedOf({ tenant, command }: KeyedCommand, value: string | null): Wanted {
  return { tenant, livemode: command.livemode, value };
}

/** One month is named by all commands of an owner that reach into the past. */
function unique(wanted: readonly Wanted[]): Wanted[] {
  return [...new Map(wanted.map((one) => [`${one.tenant}/${one.livemode}/${one.value ?? ''}`, one])).values()];
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

function toUnit(row: AsideRow): Unit {
  const { scale, name, created_at } = row.facts as UnitFacts;
  return { code: row.name as string, scale, name, createdAt: new Date(created_at).toISOString() };
}

function scopedName(row: AsideRow): string {
  return scoped(ownerOf(row), row.name as string);
}

function periodOf(row: AsideRow): Period {
  return toPeriod(row.name as string, row.facts as PeriodFacts);
}

function typeOf(row: AsideRow): TransactionType {
  return toType(row.name as string, row.facts as TypeFacts);
}

function toReversed({ reversed, corrected_by }: ReversalFacts): Pick<Original, 'reversed' | 'correctedBy'> {
  return { reversed: BigInt(reversed), correctedBy: corrected_by && fromUuid('transfer', corrected_by) };
}

/** As the books write instants, however the database does. */
function instantOf(text: string): string {
  return new Date(text).toISOString();
}

function earlier(text: string, by_ms: number): string {
  return new Date(Date.parse(text) - by_ms).toISOString();
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
    type: facts.type === null || facts.type_version === null ? null : { name: facts.type, version: facts.type_version },
    changedAt: instantOf(facts.changed),
    ...(facts.ahead_ms && facts.expires_at ? { endsAt: earlier(facts.expires_at, facts.ahead_ms) } : {}),
  };
}
