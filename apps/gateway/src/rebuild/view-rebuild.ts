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
  /** Rows that an event on its way is to change, and to answer somebody with: to be looked at again once it has come. */
  readonly awaited: readonly PublishedKey[];
}

interface Difference extends PublishedKey {
  readonly missing: boolean;
  readonly ahead: boolean;
  readonly awaited: boolean;
}

/**
 * Brings the state of one kind of things into its view while everybody reads and writes it: rows are corrected in place and never
 * taken away. The rows are locked before the owner is asked, so nothing that it says can be older than what they say: who is ahead of
 * it is wrong.
 */
export class ViewRebuild {
  readonly #lock: Statement;
  readonly #differences: Statement;
  readonly #lower: Statement;
  readonly #put: Statement;

  constructor({ table, columns, json, uncompared, onlyNew, guard, awaited }: RebuiltView) {
    const name = `rebuild.${table.replaceAll('_', '-')}`;
    const states = `json_populate_recordset(null::${table}, $1::json) as s`;
    const keys = 'select * from unnest($2::uuid[], $3::boolean[], $4::uuid[])';
    const plain = columns.filter((column) => !uncompared.includes(column) && !json.includes(column));
    const differs = [
      `(${plain.map((column) => `v.${column}`).join(', ')}) is distinct from (${plain.map((column) => `s.${column}`).join(', ')})`,
      ...json.map((column) => `v.${column}::jsonb is distinct from s.${column}::jsonb`),
    ];
    this.#lock = statement(
      `${name}.lock`,
      `select tenant_id, livemode, id from ${table} where (tenant_id, livemode, id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[]))
       order by tenant_id, livemode, id for update`,
    );
    this.#differences = statement(
      `${name}.differences`,
      `select s.tenant_id, s.livemode, s.id, v.id is null as missing, coalesce(v.${guard.column} > s.${guard.column}, false) as ahead,
         exists (
           select from pending_writes w where w.tenant_id = s.tenant_id and w.livemode = s.livemode
             and w.resource_id in (${awaited.map((column) => `s.${column}`).join(', ')})) as awaited
       from ${states} left join ${table} v on v.tenant_id = s.tenant_id and v.livemode = s.livemode and v.id = s.id
       where v.id is null or ${differs.join(' or ')}`,
    );
    this.#lower = statement(
      `${name}.lower`,
      `update ${table} set ${guard.column} = ${guard.least}
       where (tenant_id, livemode, id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[]))`,
    );
    const fresh = Object.keys(onlyNew);
    const set = columns.map((column) => `${column} = excluded.${column}`);
    // A version of our own tells the contents apart.
    if (fresh.includes('version')) set.push('version = v.version + 1');
    this.#put = statement(
      `${name}.put`,
      `insert into ${table} as v (tenant_id, livemode, id, ${[...columns, ...fresh].join(', ')})
       select s.tenant_id, s.livemode, s.id, ${[...columns.map((column) => `s.${column}`), ...Object.values(onlyNew)].join(', ')}
       from ${states} where (s.tenant_id, s.livemode, s.id) in (${keys}) order by s.tenant_id, s.livemode, s.id
       on conflict (tenant_id, livemode, id) do update set ${set.join(', ')} where v.${guard.column} <= excluded.${guard.column}`,
    );
  }

  /** Brings one page of things to what `statesOf` says of them, which is asked when their rows are locked. */
  repair(
    db: Database,
    keys: readonly PublishedKey[],
    statesOf: (keys: readonly PublishedKey[]) => Promise<string>,
  ): Promise<Rebuilt> {
    return db.transaction(async (tx) => {
      const locked = await tx.rows<PublishedKey & Record<string, unknown>>(this.#lock, publishedKeyColumns(keys));
      const held = new Set(locked.map(textOf));
      const states = await statesOf(keys);
      const differences = await tx.rows<Difference & Record<string, unknown>>(this.#differences, [states]);
      // A row that came after the locks may well be further on than what was asked for before it.
      const wrong = differences.filter(({ awaited, ahead, ...key }) => !awaited && (!ahead || held.has(textOf(key))));
      if (wrong.length > 0) await this.#correct(tx, states, wrong);
      return {
        restored: wrong.filter(({ missing }) => missing).length,
        repaired: wrong.filter(({ missing }) => !missing).length,
        awaited: differences.filter(({ awaited }) => awaited),
      };
    });
  }

  async #correct(tx: Transaction, states: string, wrong: readonly Difference[]): Promise<void> {
    const ahead = wrong.filter((difference) => difference.ahead);
    if (ahead.length > 0) await tx.count(this.#lower, publishedKeyColumns(ahead));
    await tx.count(this.#put, [states, ...publishedKeyColumns(wrong)]);
  }
}

function textOf({ tenant_id, livemode, id }: PublishedKey): string {
  return `${tenant_id}/${livemode}/${id}`;
}
