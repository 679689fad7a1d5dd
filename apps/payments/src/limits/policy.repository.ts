import {
  fromUuid,
  uuidOf,
  type LimitDefined,
  type LimitKind,
  type LimitScope,
  type RiskRuleDefined,
} from '@payflow/contracts';
import { joinJson, RunAgain, statement, type Row, type Transaction } from '@payflow/database';
import { inOrder } from './rules.js';
import type { Policy } from './tally.js';

export interface Owner {
  readonly tenant: string;
  readonly livemode: boolean;
}

/** A tenant's limits and rules in one mode, at one version of them all. */
export interface OwnedPolicy extends Owner, Policy {
  /** 0: none was ever defined. */
  readonly version: number;
  readonly limits: readonly LimitDefined[];
  readonly rules: readonly RiskRuleDefined[];
}

/** An answer to somebody who defined a limit or a rule. */
export interface Definition extends Owner {
  readonly commandId: string;
  readonly kind: 'limit' | 'risk_rule';
  readonly subjectId: string;
  readonly actor: string;
  readonly definedAt: string;
  readonly version: number | null;
  readonly reason: string | null;
  readonly terms: LimitDefined | RiskRuleDefined | null;
}

/** A {@link LimitJson} of a row of limits, and likewise a rule. */
export const LIMIT_MEMBERS = (row: string): string =>
  `'id', ${row}.id, 'version', ${row}.version, 'kind', ${row}.kind, 'scope', ${row}.scope, 'customer', ${row}.customer_id,
   'method', ${row}.method, 'asset', ${row}.asset, 'amount', ${row}.amount_minor::text, 'count', ${row}.payment_count,
   'minutes', ${row}.window_minutes, 'enabled', ${row}.enabled, 'defined_at', ${row}.defined_at`;

export const RULE_MEMBERS = (row: string): string =>
  `'id', ${row}.id, 'version', ${row}.version, 'priority', ${row}.priority, 'verdict', ${row}.verdict, 'reason', ${row}.reason,
   'conditions', ${row}.conditions, 'enabled', ${row}.enabled, 'defined_at', ${row}.defined_at`;

// What the process remembers is named by its version, and comes again only when it has another by now.
const LOAD = statement(
  'policies.load',
  `select o.tenant_id, o.livemode, coalesce(p.version, 0) as version,
     case when p.version <> o.known then (select json_agg(json_build_object(${LIMIT_MEMBERS('l')}) order by l.id)
       from limits l where l.tenant_id = o.tenant_id and l.livemode = o.livemode) end as limits,
     case when p.version <> o.known then (select json_agg(json_build_object(${RULE_MEMBERS('r')}))
       from risk_rules r where r.tenant_id = o.tenant_id and r.livemode = o.livemode) end as rules
   from unnest($1::uuid[], $2::boolean[], $3::bigint[]) as o (tenant_id, livemode, known)
   left join payment_policies p on p.tenant_id = o.tenant_id and p.livemode = o.livemode`,
);

// Whoever defines something has the policies' rows until COMMIT, and reads what they stand for behind the lock. The count has the
// locks taken, which a sub-select that nobody looks at would not.
const ANSWERED = statement(
  'policies.answered',
  `with asked as (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[]) as a (tenant_id, livemode, command_id)),
   held as materialized (
     select 1 from payment_policies where (tenant_id, livemode) in (select tenant_id, livemode from asked)
     order by tenant_id, livemode for update)
   select d.command_id from policy_definitions d, (select count(*) from held) as h
   where (d.tenant_id, d.livemode, d.command_id) in (select * from asked)`,
);

// A tenant's first definition finds no row to lock: of two at once, the second finds another version, and decides anew.
const SAVE = statement(
  'policies.save',
  `with moved as (
     insert into payment_policies as p (tenant_id, livemode, version, active)
     select * from unnest($1::uuid[], $2::boolean[], $3::bigint[], $4::boolean[]) as n (tenant_id, livemode, version, active)
     order by tenant_id, livemode
     on conflict (tenant_id, livemode) do update set version = excluded.version, active = excluded.active
     where p.version = excluded.version - 1
     returning 1),
   noted as (
     insert into policy_definitions (tenant_id, livemode, command_id, kind, subject_id, version, reason, terms, actor, defined_at)
     select * from unnest($5::uuid[], $6::boolean[], $7::uuid[], $8::text[], $9::uuid[], $10::bigint[], $11::text[],
       string_to_array($12, chr(30))::json[], $13::text[], $14::timestamptz[])),
   limited as (
     insert into limits as l (tenant_id, livemode, id, version, kind, scope, customer_id, method, asset, amount_minor, payment_count,
       window_minutes, enabled, defined_at)
     select tenant_id, livemode, id, t.version, t.kind, t.scope, t.customer, t.method, t.asset, t.amount, t.count, t.minutes,
       t.enabled, t.defined_at
     from unnest($15::uuid[], $16::boolean[], $17::uuid[], string_to_array($18, chr(30))::json[])
         as n (tenant_id, livemode, id, terms),
       json_to_record(n.terms) as t (version bigint, kind text, scope text, customer uuid, method text, asset text, amount bigint,
         count integer, minutes integer, enabled boolean, defined_at timestamptz)
     on conflict (tenant_id, livemode, id) do update set version = excluded.version, kind = excluded.kind, scope = excluded.scope,
       customer_id = excluded.customer_id, method = excluded.method, asset = excluded.asset, amount_minor = excluded.amount_minor,
       payment_count = excluded.payment_count, window_minutes = excluded.window_minutes, enabled = excluded.enabled,
       defined_at = excluded.defined_at),
   ruled as (
     insert into risk_rules as r (tenant_id, livemode, id, version, priority, verdict, reason, conditions, enabled, defined_at)
     select tenant_id, livemode, id, t.version, t.priority, t.verdict, t.reason, t.conditions, t.enabled, t.defined_at
     from unnest($19::uuid[], $20::boolean[], $21::uuid[], string_to_array($22, chr(30))::json[])
         as n (tenant_id, livemode, id, terms),
       json_to_record(n.terms) as t (version bigint, priority integer, verdict text, reason text, conditions json,
         enabled boolean, defined_at timestamptz)
     on conflict (tenant_id, livemode, id) do update set version = excluded.version, priority = excluded.priority,
       verdict = excluded.verdict, reason = excluded.reason, conditions = excluded.conditions, enabled = excluded.enabled,
       defined_at = excluded.defined_at)
   select count(*)::integer as moved from moved`,
);

interface PolicyRow extends Row {
  tenant_id: string;
  livemode: boolean;
  version: bigint;
  limits: LimitJson[] | null;
  rules: RiskRuleDefined[] | null;
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
    const distinct = [...new Map(owners.map((owner) => [keyOfOwner(owner), owner])).values()];
    const before = distinct.map((owner) => this.#known.get(keyOfOwner(owner)));
    const rows = await tx.rows<PolicyRow>(LOAD, [
      distinct.map(({ tenant }) => uuidOf('tenant', tenant)),
      distinct.map(({ livemode }) => livemode),
      before.map((policy) => policy?.version ?? 0),
    ]);
    const remembered = new Map(before.flatMap((policy) => (policy ? [[keyOfOwner(policy), policy]] : [])));
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

function toPolicy(owner: Owner, { version, limits, rules }: PolicyRow): OwnedPolicy {
  return {
    ...owner,
    version: Number(version),
    limits: (limits ?? []).map(toLimit),
    rules: inOrder((rules ?? []).map(toRule)),
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

/** Those of the commands that were answered before. */
export async function answeredCommands(
  tx: Transaction,
  commands: readonly (Owner & { readonly id: string })[],
): Promise<Set<string>> {
  const rows = await tx.rows<{ command_id: string }>(ANSWERED, [
    ...ownerColumns(commands),
    commands.map(({ id }) => uuidOf('event', id)),
  ]);
  return new Set(rows.map((row) => fromUuid('event', row.command_id)));
}

/** Keeps what was defined, and moves the policies on. Throws `RunAgain` where another partition was first. */
export async function savePolicies(
  tx: Transaction,
  moved: readonly OwnedPolicy[],
  definitions: readonly Definition[],
): Promise<void> {
  const limits = newest(definitions, 'limit');
  const rules = newest(definitions, 'risk_rule');
  const [row] = await tx.rows<{ moved: number }>(SAVE, [
    ...ownerColumns(moved),
    moved.map(({ version }) => version),
    moved.map(({ limits: all, rules: each }) => [...all, ...each].some(({ enabled }) => enabled)),
    ...ownerColumns(definitions),
    definitions.map(({ commandId }) => uuidOf('event', commandId)),
    definitions.map(({ kind }) => kind),
    definitions.map(subjectUuid),
    definitions.map(({ version }) => version),
    definitions.map(({ reason }) => reason),
    joinJson(definitions.map(({ terms }) => JSON.stringify(terms))),
    definitions.map(({ actor }) => actor),
    definitions.map(({ definedAt }) => definedAt),
    ...ownerColumns(limits),
    limits.map(subjectUuid),
    joinJson(limits.map(({ terms }) => JSON.stringify(withCustomerUuid(terms as LimitDefined)))),
    ...ownerColumns(rules),
    rules.map(subjectUuid),
    joinJson(rules.map(({ terms }) => JSON.stringify(terms))),
  ]);
  if (row?.moved !== moved.length) throw new RunAgain('another partition defined limits or rules of the same tenant');
}

/** One statement must not meet a limit or a rule twice. */
function newest(definitions: readonly Definition[], kind: Definition['kind']): Definition[] {
  const last = new Map<string, Definition>();
  for (const one of definitions)
    if (one.kind === kind && one.terms) last.set(`${keyOfOwner(one)}/${one.subjectId}`, one);
  return [...last.values()];
}

function subjectUuid({ kind, subjectId }: Definition): string {
  return uuidOf(kind === 'limit' ? 'limit' : 'riskRule', subjectId);
}

function withCustomerUuid(limit: LimitDefined): object {
  return { ...limit, customer: limit.customer && uuidOf('customer', limit.customer) };
}

export function ownerColumns(rows: readonly Owner[]): [string[], boolean[]] {
  return [rows.map(({ tenant }) => uuidOf('tenant', tenant)), rows.map(({ livemode }) => livemode)];
}
