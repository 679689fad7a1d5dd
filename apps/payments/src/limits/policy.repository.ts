import {
  fromUuid,
  uuidOf,
  type LimitDefined,
  type LimitDeleted,
  type LimitKind,
  type LimitScope,
  type RiskRuleDefined,
  type RiskRuleDeleted,
} from '@payflow/contracts';
import { statement, Unnested, type BulkColumn, type Part, type Row, type Transaction } from '@payflow/database';
import { inOrder } from './rules.js';
import type { Policy } from './tally.js';

export interface Owner {
  readonly tenant: string;
  readonly livemode: boolean;
}

/** A limit or a rule as it is kept. `counts_from`: the version that began to count. */
export type Kept<T> = T & { readonly counts_from: number };

/** A tenant's limits and rules in one mode, at one version of them all. */
export interface OwnedPolicy extends Owner, Policy {
  /** 0: none was ever defined. */
  readonly version: number;
  readonly limits: readonly Kept<LimitDefined>[];
  readonly rules: readonly Kept<RiskRuleDefined>[];
}

/** A limit or a rule that somebody defines or deletes. */
export interface Subject extends Owner {
  readonly kind: 'limit' | 'risk_rule';
  readonly subjectId: string;
}

/** An answer to somebody who defined a limit or a rule, or deleted one. */
export interface Definition extends Subject {
  readonly commandId: string;
  readonly actor: string;
  readonly definedAt: string;
  readonly version: number | null;
  readonly reason: string | null;
  readonly terms: LimitDefined | LimitDeleted | RiskRuleDefined | RiskRuleDeleted | null;
  readonly countsFrom?: number | undefined;
}

const ID_KINDS = { limit: 'limit', risk_rule: 'riskRule' } as const;

const OWNER: readonly BulkColumn<Owner>[] = [
  ['tenant_id', 'uuid', ({ tenant }) => uuidOf('tenant', tenant)],
  ['livemode', 'boolean', ({ livemode }) => livemode],
];

/** A {@link LimitJson} of a row of limits, and likewise a rule. */
export const LIMIT_MEMBERS = (row: string): string =>
  `'id', ${row}.id, 'version', ${row}.version, 'kind', ${row}.kind, 'scope', ${row}.scope, 'customer', ${row}.customer_id,
   'method', ${row}.method, 'asset', ${row}.asset, 'amount', ${row}.amount_minor::text, 'count', ${row}.payment_count,
   'minutes', ${row}.window_minutes, 'enabled', ${row}.enabled, 'defined_at', ${row}.defined_at`;

export const RULE_MEMBERS = (row: string): string =>
  `'id', ${row}.id, 'version', ${row}.version, 'priority', ${row}.priority, 'verdict', ${row}.verdict, 'reason', ${row}.reason,
   'conditions', ${row}.conditions, 'enabled', ${row}.enabled, 'defined_at', ${row}.defined_at`;

// What the process remembers is named by its version, and comes again only when it has another by now.
export const POLICIES: Part = {
  columns: ['tenant_id', 'livemode', 'version', 'limits', 'rules'],
  width: 3,
  sql: (first) =>
    `select o.tenant_id, o.livemode, coalesce(p.version, 0) as version,
     case when p.version <> o.known then (select json_agg(json_build_object(${LIMIT_MEMBERS('l')}, 'counts_from', l.counts_from) order by l.id)
       from limits l where l.tenant_id = o.tenant_id and l.livemode = o.livemode and l.deleted_at is null) end as limits,
     case when p.version <> o.known then (select json_agg(json_build_object(${RULE_MEMBERS('r')}, 'counts_from', r.counts_from))
       from risk_rules r where r.tenant_id = o.tenant_id and r.livemode = o.livemode and r.deleted_at is null) end as rules
   from unnest($${first}::uuid[], $${first + 1}::boolean[], $${first + 2}::bigint[]) as o (tenant_id, livemode, known)
   left join payment_policies p on p.tenant_id = o.tenant_id and p.livemode = o.livemode`,
};
const LOAD = statement('policies.load', POLICIES.sql(1));

// Whoever defines something has the policies' rows until COMMIT, and reads what they stand for behind the lock. The count has the
// locks taken, which a sub-select that nobody looks at would not.
export const ANSWERED: Part = {
  columns: ['command_id'],
  width: 3,
  sql: (first) =>
    `with asked as (select * from unnest($${first}::uuid[], $${first + 1}::boolean[], $${first + 2}::uuid[]) as a (tenant_id, livemode, command_id)),
   held as materialized (
     select 1 from payment_policies where (tenant_id, livemode) in (select tenant_id, livemode from asked)
     order by tenant_id, livemode for update)
   select d.command_id from policy_definitions d, (select count(*) from held) as h
   where (d.tenant_id, d.livemode, d.command_id) in (select * from asked)`,
};

/** Limits and rules that were deleted: the next version of one follows the last. */
export const DELETED: Part = {
  columns: [
    'kind',
    'tenant_id',
    'livemode',
    'id',
    'version',
    'limit_kind',
    'scope',
    'customer_id',
    'asset',
    'counts_from',
  ],
  width: 4,
  sql: (first) =>
    `with asked as (
     select * from unnest($${first}::uuid[], $${first + 1}::boolean[], $${first + 2}::text[], $${first + 3}::uuid[]) as a (tenant_id, livemode, kind, id))
   select 'limit' as kind, tenant_id, livemode, id, version, kind as limit_kind, scope, customer_id, asset, counts_from from limits
   where (tenant_id, livemode, id) in (select tenant_id, livemode, id from asked where kind = 'limit') and deleted_at is not null
   union all
   select 'risk_rule', tenant_id, livemode, id, version, null, null, null, null, counts_from from risk_rules
   where (tenant_id, livemode, id) in (select tenant_id, livemode, id from asked where kind = 'risk_rule') and deleted_at is not null`,
};

const MOVED = new Unnested<OwnedPolicy>([
  ...OWNER,
  ['version', 'bigint', ({ version }) => version],
  ['active', 'boolean', ({ limits, rules }) => isActive({ limits, rules })],
]);
const NOTED = new Unnested<Definition>([
  ...OWNER,
  ['command_id', 'uuid', ({ commandId }) => uuidOf('event', commandId)],
  ['kind', 'text', ({ kind }) => kind],
  ['subject_id', 'uuid', subjectUuid],
  ['version', 'bigint', ({ version }) => version],
  ['reason', 'text', ({ reason }) => reason],
  ['terms', 'json', ({ terms }) => JSON.stringify(terms)],
  ['actor', 'text', ({ actor }) => actor],
  ['defined_at', 'timestamptz', ({ definedAt }) => definedAt],
]);
const DEFINED = new Unnested<Definition>([
  ...OWNER,
  ['id', 'uuid', subjectUuid],
  [
    'terms',
    'json',
    ({ kind, terms, countsFrom = 1 }) => {
      const kept = kind === 'limit' ? withCustomerUuid(terms as LimitDefined) : terms;
      return JSON.stringify({ ...kept, counts_from: countsFrom });
    },
  ],
]);

/** How many parameters {@link policiesSaved} takes. */
export const POLICIES_WIDTH = MOVED.width + NOTED.width + 2 * DEFINED.width;

/**
 * SQL, a list of CTEs of which `moved` has a row for each policy that was moved on. A tenant's first definition finds no row to
 * lock: of two at once, the second finds another version, and decides anew.
 */
export function policiesSaved(first: number): string {
  const notedAt = first + MOVED.width;
  const limitsAt = notedAt + NOTED.width;
  return `moved as (
     insert into payment_policies as p (${MOVED.names})
     select * from ${MOVED.from(first)} order by tenant_id, livemode
     on conflict (tenant_id, livemode) do update set version = excluded.version, active = excluded.active
     where p.version = excluded.version - 1
     returning 1),
   noted as (
     insert into policy_definitions (${NOTED.names}) select * from ${NOTED.from(notedAt)}),
   limited as (
     insert into limits as l (tenant_id, livemode, id, version, kind, scope, customer_id, method, asset, amount_minor, payment_count,
       window_minutes, enabled, defined_at, deleted_at, counts_from)
     select tenant_id, livemode, id, t.version, t.kind, t.scope, t.customer, t.method, t.asset, t.amount, t.count, t.minutes,
       t.enabled, t.defined_at, t.deleted_at, t.counts_from
     from ${DEFINED.from(limitsAt)},
       json_to_record(n.terms) as t (version bigint, kind text, scope text, customer uuid, method text, asset text, amount bigint,
         count integer, minutes integer, enabled boolean, defined_at timestamptz, deleted_at timestamptz, counts_from bigint)
     on conflict (tenant_id, livemode, id) do update set version = excluded.version, kind = excluded.kind, scope = excluded.scope,
       customer_id = excluded.customer_id, method = excluded.method, asset = excluded.asset, amount_minor = excluded.amount_minor,
       payment_count = excluded.payment_count, window_minutes = excluded.window_minutes, enabled = excluded.enabled,
       defined_at = excluded.defined_at, deleted_at = excluded.deleted_at, counts_from = excluded.counts_from),
   ruled as (
     insert into risk_rules as r (tenant_id, livemode, id, version, priority, verdict, reason, conditions, enabled, defined_at, deleted_at,
       counts_from)
     select tenant_id, livemode, id, t.version, t.priority, t.verdict, t.reason, t.conditions, t.enabled, t.defined_at, t.deleted_at,
       t.counts_from
     from ${DEFINED.from(limitsAt + DEFINED.width)},
       json_to_record(n.terms) as t (version bigint, priority integer, verdict text, reason text, conditions json,
         enabled boolean, defined_at timestamptz, deleted_at timestamptz, counts_from bigint)
     on conflict (tenant_id, livemode, id) do update set version = excluded.version, priority = excluded.priority,
       verdict = excluded.verdict, reason = excluded.reason, conditions = excluded.conditions, enabled = excluded.enabled,
       defined_at = excluded.defined_at, deleted_at = excluded.deleted_at, counts_from = excluded.counts_from)`;
}

/** The parameters of {@link policiesSaved}: policies that moved on, and what was answered to those who defined something. */
export function policiesToSave(moved: readonly OwnedPolicy[], definitions: readonly Definition[]): unknown[] {
  return [
    ...MOVED.whole(moved),
    ...NOTED.whole(definitions),
    ...DEFINED.whole(newest(definitions, 'limit')),
    ...DEFINED.whole(newest(definitions, 'risk_rule')),
  ];
}

export interface DeletedRow extends Row {
  kind: Subject['kind'];
  tenant_id: string;
  livemode: boolean;
  id: string;
  version: bigint;
  limit_kind: LimitKind | null;
  scope: LimitScope | null;
  customer_id: string | null;
  asset: string | null;
  counts_from: bigint;
}

/** What a limit counts, and for whom. */
export type Counted = Pick<LimitDefined, 'kind' | 'scope' | 'customer' | 'asset'>;

/** What is to be known of a limit or a rule that was deleted, when it is defined again. */
export interface Ended {
  readonly version: number;
  /** Of a limit; null of a rule. */
  readonly counted: Counted | null;
  readonly countsFrom: number;
}

export interface PolicyRow extends Row {
  tenant_id: string;
  livemode: boolean;
  version: bigint;
  limits: Kept<LimitJson>[] | null;
  rules: Kept<RiskRuleDefined>[] | null;
}

/** A limit as SQL makes JSON of it: its ids are UUIDs. */
export interface LimitJson {
  id: string;
  version: number;
  kind: LimitKind;
  scope: LimitScope;
  customer: string | null;
  method: LimitDefined['method'];
  asset: string | null;
  amount: string | null;
  count: number | null;
  minutes: number | null;
  enabled: boolean;
  defined_at: string;
}

export function keyOfOwner({ tenant, livemode }: Owner): string {
  return `${tenant}/${livemode ? 'live' : 'test'}`;
}

/** Of so many tenants the definitions are kept in memory. It is only a shortcut: when full, it is emptied. */
const REMEMBERED_MAX = 1_000;

/** The limits and rules as the database has them; what is remembered of them is used only at the version that it has there. */
export class Policies {
  readonly #known = new Map<string, OwnedPolicy>();

  /** By {@link keyOfOwner}. */
  async load(tx: Transaction, owners: readonly Owner[]): Promise<Map<string, OwnedPolicy>> {
    if (owners.length === 0) return new Map();
    const asked = this.asking(owners);
    return asked.take(await tx.rows<PolicyRow>(LOAD, asked.values));
  }

  /** The parameters of {@link POLICIES}, and what the rows of the answer stand for. */
  asking(owners: readonly Owner[]): {
    readonly values: unknown[];
    readonly take: (rows: readonly PolicyRow[]) => Map<string, OwnedPolicy>;
  } {
    const distinct = [...new Map(owners.map((owner) => [keyOfOwner(owner), owner])).values()];
    const remembered = new Map(
      distinct.flatMap((owner) => {
        const policy = this.#known.get(keyOfOwner(owner));
        return policy ? [[keyOfOwner(owner), policy]] : [];
      }),
    );
    const versions = distinct.map((owner) => remembered.get(keyOfOwner(owner))?.version ?? 0);
    return { values: [...ownerColumns(distinct), versions], take: (rows) => this.take(rows, remembered) };
  }

  private take(rows: readonly PolicyRow[], remembered: ReadonlyMap<string, OwnedPolicy>): Map<string, OwnedPolicy> {
    const loaded = rows.map((row): OwnedPolicy => {
      const owner = { tenant: fromUuid('tenant', row.tenant_id), livemode: row.livemode };
      const known = remembered.get(keyOfOwner(owner));
      return known?.version === Number(row.version) ? known : toPolicy(owner, row);
    });
    // All of it was committed by others: who defines something loads first, and writes afterwards.
    if (this.#known.size + loaded.length > REMEMBERED_MAX) this.#known.clear();
    for (const policy of loaded) this.#known.set(keyOfOwner(policy), policy);
    return new Map(loaded.map((policy) => [keyOfOwner(policy), policy]));
  }
}

/** True where payments are to be held against it. */
export function isActive({ limits, rules }: Pick<OwnedPolicy, 'limits' | 'rules'>): boolean {
  return limits.some(({ enabled }) => enabled) || rules.some(({ enabled }) => enabled);
}

function toPolicy(owner: Owner, { version, limits, rules }: PolicyRow): OwnedPolicy {
  return {
    ...owner,
    version: Number(version),
    limits: (limits ?? []).map(({ counts_from, ...limit }) => ({ ...toLimit(limit), counts_from })),
    rules: inOrder((rules ?? []).map(({ counts_from, ...rule }) => ({ ...toRule(rule), counts_from }))),
  };
}

export function toLimit(limit: LimitJson): LimitDefined {
  return {
    ...limit,
    id: fromUuid('limit', limit.id),
    customer: limit.customer && fromUuid('customer', limit.customer),
    defined_at: new Date(limit.defined_at).toISOString(),
  };
}

export function toRule(rule: RiskRuleDefined): RiskRuleDefined {
  return { ...rule, id: fromUuid('riskRule', rule.id), defined_at: new Date(rule.defined_at).toISOString() };
}

/** The parameters of {@link DELETED}. */
export function deletedAsked(subjects: readonly Subject[]): unknown[] {
  return [...ownerColumns(subjects), subjects.map(({ kind }) => kind), subjects.map(subjectUuid)];
}

/** By {@link keyOfSubject}. */
export function deletedFrom(rows: readonly DeletedRow[]): Map<string, Ended> {
  return new Map(
    rows.map(({ tenant_id, livemode, kind, id, version, counts_from, ...row }) => {
      const subject = {
        tenant: fromUuid('tenant', tenant_id),
        livemode,
        kind,
        subjectId: fromUuid(ID_KINDS[kind], id),
      };
      return [
        keyOfSubject(subject),
        { version: Number(version), counted: countedIn(row), countsFrom: Number(counts_from) },
      ];
    }),
  );
}

type CountedRow = Pick<DeletedRow, 'limit_kind' | 'scope' | 'customer_id' | 'asset'>;

function countedIn({ limit_kind: kind, scope, customer_id, asset }: CountedRow): Counted | null {
  return kind && scope && { kind, scope, customer: customer_id && fromUuid('customer', customer_id), asset };
}

export function keyOfSubject({ subjectId, ...owner }: Subject): string {
  return `${keyOfOwner(owner)}/${subjectId}`;
}

/** The parameters of {@link ANSWERED}. */
export function answersAsked(commands: readonly (Owner & { readonly id: string })[]): unknown[] {
  return [...ownerColumns(commands), commands.map(({ id }) => uuidOf('event', id))];
}

/** One statement must not meet a limit or a rule twice. */
function newest(definitions: readonly Definition[], kind: Definition['kind']): Definition[] {
  const last = new Map<string, Definition>();
  for (const one of definitions) if (one.kind === kind && one.terms) last.set(keyOfSubject(one), one);
  return [...last.values()];
}

function subjectUuid({ kind, subjectId }: Subject): string {
  return uuidOf(ID_KINDS[kind], subjectId);
}

function withCustomerUuid(limit: LimitDefined): object {
  return { ...limit, customer: limit.customer && uuidOf('customer', limit.customer) };
}

export function ownerColumns(rows: readonly Owner[]): [string[], boolean[]] {
  return [rows.map(({ tenant }) => uuidOf('tenant', tenant)), rows.map(({ livemode }) => livemode)];
}
