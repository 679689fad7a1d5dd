import { fromUuid, uuidOf, type IdKind } from '@payflow/contracts';
import { joinJson, statement, type Database, type Statement, type Transaction } from '@payflow/database';
import { keyColumns, keyOf, tenantUuid, type Owner, type ResourceKey, seenBy } from './keys.js';
import { compare, CREATED_CONDITIONS, ListStatements, type Page, type PagePosition } from './list-statement.js';

/** What an event tells of a thing whole. */
export interface Content {
  readonly id: string;
  readonly version: number;
}

/** The label of what is there no more: it is kept, so that an older version that comes late brings nothing back. */
export const DELETED = 'deleted';
export const IS_THERE = `label <> '${DELETED}'`;

/** The newest that is known of a thing, and whose it is. */
export type ContentView<C> = Owner & PagePosition & { readonly content: C };

/** Which of them a list shows; instants are RFC 3339. */
export interface ContentFilter {
  /** What the things are told apart by: a limit's kind, a rule's verdict, a review's status. */
  readonly label?: string;
  readonly createdGte?: string;
  readonly createdGt?: string;
  readonly createdLte?: string;
  readonly createdLt?: string;
}

interface ContentRow<C> {
  readonly id: string;
  readonly content: C;
  readonly created_at: Date;
}

const COLUMNS = 'id, content, created_at';

/** Views that are shown as their events tell of them: one table for each kind of thing, all of one shape. */
export class ContentViews<C extends Content> {
  readonly lists: ListStatements<ContentFilter>;
  readonly #apply: Statement;
  readonly #find: Statement;

  constructor(
    table: 'limit_views' | 'risk_rule_views' | 'review_views',
    private readonly kind: IdKind,
    private readonly of: { readonly label: (content: C) => string; readonly createdAt: (content: C) => string },
  ) {
    const name = table.replaceAll('_', '-');
    // Sorted, because two partitions' batches may bring the same things; a smaller version never overwrites a greater.
    this.#apply = statement(
      `${name}.apply`,
      `insert into ${table} as v (tenant_id, livemode, id, version, label, content, created_at)
       select * from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::bigint[], $5::text[], string_to_array($6, chr(30))::json[],
         $7::timestamptz[]) as n (tenant_id, livemode, id, version, label, content, created_at)
       order by tenant_id, livemode, id
       on conflict (tenant_id, livemode, id) do update set version = excluded.version, label = excluded.label,
         content = excluded.content
       where v.version < excluded.version`,
    );
    this.#find = statement(
      `${name}.find`,
      `select ${COLUMNS} from ${table} where tenant_id = $1 and livemode = $2 and id = $3 and ${IS_THERE}`,
    );
    const conditions = { label: compare('k', 'label'), ...CREATED_CONDITIONS };
    this.lists = new ListStatements<ContentFilter>(table, COLUMNS, conditions, [IS_THERE]);
  }

  /** Brings things to the newest of the given versions; older ones change nothing. */
  async apply(tx: Transaction, all: readonly (Owner & { readonly data: C })[]): Promise<void> {
    if (all.length === 0) return;
    const newest = new Map<string, Owner & { readonly data: C }>();
    for (const one of all) {
      const key = keyOf({ ...one, id: one.data.id });
      const known = newest.get(key);
      if (!known || known.data.version < one.data.version) newest.set(key, one);
    }
    const views = [...newest.values()];
    const contents = views.map(({ data }) => data);
    await tx.count(this.#apply, [
      ...keyColumns(
        this.kind,
        views.map(({ tenant, livemode, data: { id } }) => ({ tenant, livemode, id })),
      ),
      contents.map(({ version }) => version),
      contents.map(this.of.label),
      joinJson(contents.map((content) => JSON.stringify(content))),
      contents.map(this.of.createdAt),
    ]);
  }

  async find(db: Database, { tenant, livemode, id }: ResourceKey): Promise<C | undefined> {
    const [row] = await seenBy(db, { tenant }).rows<ContentRow<C>>(this.#find, [
      tenantUuid(tenant),
      livemode,
      uuidOf(this.kind, id),
    ]);
    return row?.content;
  }

  /** Up to `limit` things of the owner that pass the filter, newest first, after the position. */
  async list(db: Database, owner: Owner, page: Page<ContentFilter>): Promise<ContentView<C>[]> {
    const rows = await seenBy(db, owner).rows<ContentRow<C>>(
      ...this.lists.of(owner, page, (id) => uuidOf(this.kind, id)),
    );
    return rows.map(({ id, content, created_at }) => ({
      ...owner,
      id: fromUuid(this.kind, id),
      createdAt: created_at.toISOString(),
      content,
    }));
  }
}
