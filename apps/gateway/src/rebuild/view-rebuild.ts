import {
  publishedKeyColumns,
  statement,
  type Database,
  type PublishedKey,
  type Statement,
  type Transaction,
} from '@payflow/database';
import type { RebuiltView } from './rebuilt-views.js';

/** What a page of an owner's things came to. */
export interface Rebuilt {
  /** Rows that were not there. */
  readonly restored: number;
  /** Rows that said something else than their owner. */
  readonly repaired: number;
  /** Those of test spaces that were left behind: nobody looks there, and what is removed of them must not come again. */
  readonly retired: number;
  /** Rows that an event on its way is to change, and to answer somebody with: to be looked at again once it has come. */
  readonly awaited: readonly PublishedKey[];
}

interface Difference extends PublishedKey {
  readonly missing: boolean;
  readonly ahead: boolean;
  readonly awaited: boolean;
}

// The first test space has its organisation's id: what is live of it stays.
const RETIRED = statement(
  'rebuild.retired-spaces',
  'select space_id from retired_test_spaces where space_id = any ($1::uuid[])',
);

/**
 * Brings the state of one kind of things into its view while everybody reads and writes it: rows are corrected in place and never
 * taken away. The rows are locked before the owner is asked, so nothing that it says can be older than what they say: who is ahead of
 * it is wrong.
 */
export class ViewRebuild {
  readonly #lock: Statement;
  readonly #differences: Statement;
  readonly #lower: Statement | undefined;
  readonly #put: Statement;

  constructor({ table, key, columns, json, uncompared, onlyNew, guard, awaited }: RebuiltView) {
    const name = `rebuild.${table.replaceAll('_', '-')}`;
    const states = `json_populate_recordset(null::${table}, $1::json) as s`;
    const rowKey = `tenant_id, livemode, ${key.column}`;
    const stateKey = `s.tenant_id, s.livemode, s.${key.column}`;
    const keysAt = (at: number) =>
      `select * from unnest($${at}::uuid[], $${at + 1}::boolean[], $${at + 2}::${key.type}[])`;
    const plain = columns.filter((column) => !uncompared.includes(column) && !json.includes(column));
    const differs = [
      `(${plain.map((column) => `v.${column}`).join(', ')}) is distinct from (${plain.map((column) => `s.${column}`).join(', ')})`,
      // What JSON has as null is nothing in either way of writing it.
      ...json.map((column) => `nullif(v.${column}::jsonb, 'null') is distinct from nullif(s.${column}::jsonb, 'null')`),
    ];
    const isAwaited =
      awaited.length === 0
        ? 'false'
        : `exists (
           select from pending_writes w where w.tenant_id = s.tenant_id and w.livemode = s.livemode
             and w.resource_id in (${awaited.map((column) => `s.${column}`).join(', ')}))`;
    this.#lock = statement(
      `${name}.lock`,
      `select tenant_id, livemode, ${key.column} as id from ${table} where (${rowKey}) in (${keysAt(1)}) order by ${rowKey} for update`,
    );
    this.#differences = statement(
      `${name}.differences`,
      `select s.tenant_id, s.livemode, s.${key.column} as id, v.${key.column} is null as missing, ${isAwaited} as awaited,
         ${guard ? `coalesce(v.${guard.column} > s.${guard.column}, false)` : 'false'} as ahead
       from ${states} left join ${table} v on (v.tenant_id, v.livemode, v.${key.column}) = (${stateKey})
       where v.${key.column} is null or ${differs.join(' or ')}`,
    );
    this.#lower =
      guard &&
      statement(
        `${name}.lower`,
        `update ${table} set ${guard.column} = ${guard.least} where (${rowKey}) in (${keysAt(1)})`,
      );
    const fresh = Object.keys(onlyNew);
    const set = columns.map((column) => `${column} = excluded.${column}`);
    // A version of our own tells the contents apart.
    if (fresh.includes('version')) set.push('version = v.version + 1');
    this.#put = statement(
      `${name}.put`,
      `insert into ${table} as v (${rowKey}, ${[...columns, ...fresh].join(', ')})
       select ${stateKey}, ${[...columns.map((column) => `s.${column}`), ...Object.values(onlyNew)].join(', ')}
       from ${states} where (${stateKey}) in (${keysAt(2)}) order by ${stateKey}
       on conflict (${rowKey}) do update set ${set.join(', ')}
       ${guard ? `where v.${guard.column} <= excluded.${guard.column}` : ''}`,
    );
  }

  /** Brings one page of things, those of retired test spaces left out, to what `statesOf` says of them, which is asked when their rows are locked. */
  repair(
    db: Database,
    keys: readonly PublishedKey[],
    statesOf: (keys: readonly PublishedKey[]) => Promise<string>,
  ): Promise<Rebuilt> {
    return db.transaction(async (tx) => {
      const living = await withoutRetired(tx, keys);
      const retired = keys.length - living.length;
      if (living.length === 0) return { restored: 0, repaired: 0, retired, awaited: [] };
      const locked = await tx.rows<PublishedKey & Record<string, unknown>>(this.#lock, publishedKeyColumns(living));
      const held = new Set(locked.map(textOf));
      const states = await statesOf(living);
      const differences = await tx.rows<Difference & Record<string, unknown>>(this.#differences, [states]);
      // A row that came after the locks may well be further on than what was asked for before it.
      const wrong = differences.filter(({ awaited, ahead, ...key }) => !awaited && (!ahead || held.has(textOf(key))));
      if (wrong.length > 0) await this.#correct(tx, states, wrong);
      return {
        restored: wrong.filter(({ missing }) => missing).length,
        repaired: wrong.filter(({ missing }) => !missing).length,
        retired,
        awaited: differences.filter(({ awaited }) => awaited),
      };
    });
  }

  async #correct(tx: Transaction, states: string, wrong: readonly Difference[]): Promise<void> {
    const ahead = wrong.filter((difference) => difference.ahead);
    if (this.#lower && ahead.length > 0) await tx.count(this.#lower, publishedKeyColumns(ahead));
    await tx.count(this.#put, [states, ...publishedKeyColumns(wrong)]);
  }
}

async function withoutRetired(tx: Transaction, keys: readonly PublishedKey[]): Promise<readonly PublishedKey[]> {
  const spaces = new Set(keys.filter(({ livemode }) => !livemode).map(({ tenant_id }) => tenant_id));
  if (spaces.size === 0) return keys;
  const rows = await tx.rows<{ space_id: string }>(RETIRED, [[...spaces]]);
  const retired = new Set(rows.map(({ space_id }) => space_id));
  return retired.size === 0 ? keys : keys.filter(({ tenant_id, livemode }) => livemode || !retired.has(tenant_id));
}

function textOf({ tenant_id, livemode, id }: PublishedKey): string {
  return `${tenant_id}/${livemode}/${id}`;
}
