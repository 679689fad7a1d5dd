import type { AccountPattern, Template } from '@payflow/contracts';
import type { TransactionType } from '../domain/transaction-type.js';

/** The versions in force of the named types; `$at` is where the three parameters begin. */
export const TYPES = (at: number): string => `
  select t.tenant_id, t.livemode, 'type', t.name, null, json_build_object('version', t.version, 'debit', t.debit, 'credit', t.credit,
    'template', t.template, 'defined_at', t.defined_at)
  from unnest($${at}::uuid[], $${at + 1}::boolean[], $${at + 2}::text[]) as w (tenant_id, livemode, name)
  cross join lateral (
    select * from transaction_types t where t.tenant_id = w.tenant_id and t.livemode = w.livemode and t.name = w.name
    order by t.version desc limit 1) as t`;

/** Keeps new versions; another partition may have been first. */
export const INSERT_TYPES = (at: number): string => `
  insert into transaction_types (tenant_id, livemode, name, version, debit, credit, template, defined_at)
  select * from unnest($${at}::uuid[], $${at + 1}::boolean[], $${at + 2}::text[], $${at + 3}::bigint[], $${at + 4}::json[],
    $${at + 5}::json[], $${at + 6}::json[], $${at + 7}::timestamptz[])
  on conflict do nothing returning 1`;

/** Keeps which transfers kept to which version. */
export const INSERT_TYPED = (at: number): string => `
  insert into typed_transfers (tenant_id, livemode, transfer_id, name, version)
  select * from unnest($${at}::uuid[], $${at + 1}::boolean[], $${at + 2}::uuid[], $${at + 3}::text[], $${at + 4}::bigint[])
  on conflict do nothing returning 1`;

export interface TypeFacts {
  readonly version: number;
  readonly debit: readonly AccountPattern[] | null;
  readonly credit: readonly AccountPattern[] | null;
  readonly template: Template | null;
  readonly defined_at: string;
}

export function toType(id: string, { defined_at, ...facts }: TypeFacts): TransactionType {
  return { id, ...facts, defined_at: new Date(defined_at).toISOString() };
}
