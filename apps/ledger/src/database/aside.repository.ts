import { fromUuid, uuidOf, type HoldStatus } from '@payflow/contracts';
import { statement, type Transaction } from '@payflow/database';
import { isAssetCode } from '@payflow/money';
import { scoped, type BookChanges, type Owner } from '../domain/book.js';
import type { Hold } from '../domain/hold.js';
import type { Unit } from '../domain/unit.js';
import { accountUuid, type LockedAccounts } from './account.repository.js';
import type { KeyedCommand } from './command-key.js';

/**
 * What a batch needs beside accounts and verdicts: paths that are taken, holds, how much of a transfer has been moved back,
 * and units of tenants' own. A unit never changes, and the rest lies under the lock of its accounts, so all of it is read
 * after that and needs no lock of its own.
 */
export interface LoadedAside {
  readonly takenPaths: ReadonlySet<string>;
  readonly holds: ReadonlyMap<string, Hold>;
  /** By scoped transfer id; absent where nothing has been moved back. */
  readonly reversed: ReadonlyMap<string, bigint>;
  readonly units: ReadonlyMap<string, Unit>;
  readonly unitCounts: ReadonlyMap<string, number>;
}

const PATHS_HOLDS_REVERSALS = `
   select tenant_id, livemode, 'path' as what, path as name, null as id, null as facts from accounts
   where (tenant_id, livemode, path) in (select * from unnest($1::uuid[], $2::boolean[], $3::text[]))
   union all
   select tenant_id, livemode, 'hold', null, id, json_build_object('payment', payment_id, 'debit', debit_account_id,
     'credit', credit_account_id, 'amount', amount_minor::text, 'posted', posted_minor::text, 'asset', asset, 'status', status,
     'expires_at', expires_at, 'version', version)
   from holds where (tenant_id, livemode, id) in (select * from unnest($4::uuid[], $5::boolean[], $6::uuid[]))
   union all
   select tenant_id, livemode, 'reversal', null, transfer_id, json_build_object('reversed', reversed_minor::text)
   from reversals where (tenant_id, livemode, transfer_id) in (select * from unnest($7::uuid[], $8::boolean[], $9::uuid[]))`;

const LOAD = statement('ledger.load-aside', PATHS_HOLDS_REVERSALS);

// For the few batches that define a unit or open an account in one: the others do not look for what they do not name.
const LOAD_WITH_UNITS = statement(
  'ledger.load-aside-with-units',
  `${PATHS_HOLDS_REVERSALS}
   union all
   select tenant_id, livemode, 'unit', code, null, json_build_object('scale', scale, 'name', name, 'created_at', created_at)
   from units where (tenant_id, livemode, code) in (select * from unnest($10::uuid[], $11::boolean[], $12::text[]))
   union all
   select tenant_id, livemode, 'units', null, null, json_build_object('count', count(*))
   from units where (tenant_id, livemode) in (select * from unnest($13::uuid[], $14::boolean[])) group by tenant_id, livemode`,
);

const HELD = `held as (
     insert into holds as h (tenant_id, livemode, id, payment_id, debit_account_id, credit_account_id, amount_minor, asset, posted_minor,
       status, expires_at, version, changed_at, placed_at)
     select *, $13::timestamptz, $13::timestamptz from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[],
       $7::bigint[], $8::text[], $9::bigint[], $10::text[], $11::timestamptz[], $12::bigint[])
     on conflict (tenant_id, livemode, id) do update set posted_minor = excluded.posted_minor, status = excluded.status,
       version = excluded.version, changed_at = excluded.changed_at, xact_id = pg_current_xact_id())`;
const REVERSED = `insert into reversals as r (tenant_id, livemode, transfer_id, amount_minor, reversed_minor)
   select * from unnest($14::uuid[], $15::boolean[], $16::uuid[], $17::bigint[], $18::bigint[])
   on conflict (tenant_id, livemode, transfer_id) do update set reversed_minor = excluded.reversed_minor`;

const SAVE = statement('ledger.save-aside', `with ${HELD} ${REVERSED}`);

const SAVE_WITH_UNITS = statement(
  'ledger.save-aside-with-units',
  `with ${HELD},
   reversed as (${REVERSED}),
   defined as (
     insert into units (tenant_id, livemode, code, scale, name, created_at)
     select * from unnest($19::uuid[], $20::boolean[], $21::text[], $22::smallint[], $23::text[], $24::timestamptz[])
     on conflict do nothing returning 1)
   select count(*)::integer as saved from defined`,
);

interface AsideRow {
  tenant_id: string;
  livemode: boolean;
  what: 'path' | 'hold' | 'reversal' | 'unit' | 'units';
  name: string | null;
  id: string | null;
  facts: HoldFacts | UnitFacts | { readonly reversed: string } | { readonly count: number } | null;
}

interface UnitFacts {
  readonly scale: number;
  readonly name: string;
  readonly created_at: string;
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
    each.command.type === 'payflow.transfer.reverse.v1'
      ? [wantedOf(each, uuidOf('transfer', each.command.data.original))]
      : [],
  );
  const rows = await loadRows(tx, [paths, holds, originals], commands.flatMap(unitsNamed));
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
        row.what === 'reversal'
          ? [[scopedId('transfer', row), BigInt((row.facts as { reversed: string }).reversed)] as const]
          : [],
      ),
    ),
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

async function loadRows(
  tx: Transaction,
  others: readonly (readonly Wanted[])[],
  units: readonly (Wanted & { readonly isNew: boolean })[],
): Promise<readonly AsideRow[]> {
  const parameters = others.flatMap(columns);
  if (units.length > 0) {
    const [tenants, livemodes] = columns(units.filter(({ isNew }) => isNew));
    return tx.rows<AsideRow & Record<string, unknown>>(LOAD_WITH_UNITS, [
      ...parameters,
      ...columns(units),
      tenants,
      livemodes,
    ]);
  }
  if (others.every((wanted) => wanted.length === 0)) return [];
  return tx.rows<AsideRow & Record<string, unknown>>(LOAD, parameters);
}

/**
 * Saves the holds and reversals that a batch changed, one row each, and the units that it defined. Returns false when one of
 * these has been defined in the meantime.
 */
export async function saveAside(
  tx: Transaction,
  { holds, reversals, units }: Pick<BookChanges, 'holds' | 'reversals' | 'units'>,
  keys: LockedAccounts['keys'],
  now: Date,
): Promise<boolean> {
  if (holds.size + reversals.size + units.length === 0) return true;
  const held = [...holds.values()];
  const reversed = [...reversals.values()];
  const parameters = [
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
  ];
  if (units.length === 0) {
    await tx.rows(SAVE, parameters);
    return true;
  }
  const [result] = await tx.rows<{ saved: number }>(SAVE_WITH_UNITS, [
    ...parameters,
    units.map(({ owner }) => uuidOf('tenant', owner.tenant)),
    units.map(({ owner }) => owner.livemode),
    units.map(({ unit }) => unit.code),
    units.map(({ unit }) => unit.scale),
    units.map(({ unit }) => unit.name),
    units.map(({ unit }) => unit.createdAt),
  ]);
  return result?.saved === units.length;
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

function toUnit(row: AsideRow): Unit {
  const { scale, name, created_at } = row.facts as UnitFacts;
  return { code: row.name as string, scale, name, createdAt: new Date(created_at).toISOString() };
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
    expiresAt: facts.expires_at && new Date(facts.expires_at).toISOString(),
    version: facts.version,
  };
}
