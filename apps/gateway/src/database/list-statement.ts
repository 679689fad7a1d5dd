import { uuidOf } from '@payflow/contracts';
import { keyset, statement, unprepared, type Database, type Statement } from '@payflow/database';
import { tenantUuid, type Owner, seenBy } from './keys.js';

/** The place after which a page begins. */
export interface PagePosition {
  readonly createdAt: string;
  readonly id: string;
}

const NEWEST_FIRST = keyset('desc', 'created_at', 'id');

/** Which of a list are shown, and how many of them. */
export interface Page<F> {
  readonly filter: F;
  readonly after: PagePosition | undefined;
  readonly limit: number;
}

/** What a filter means in SQL. */
export interface Condition {
  /** One letter in the statement's name. */
  readonly letter: string;
  /** More than one: any of them may hold, and no row holds two. Each is answered from an index of its own. */
  readonly sql: readonly ((parameter: string) => string)[];
  readonly value: (text: string) => string;
  /**
   * Its operator is not proven to be silent about what it compares: behind a policy no index may be used for it. It is asked of
   * the view beside the table, `tenant_<table>`, whose text has the tenant that the connection speaks for.
   */
  readonly isUnproven?: true;
}

/** By the filters' names. What is asked for may decide what it means. */
export type Conditions<F> = Readonly<Record<keyof F & string, Condition | ((text: string) => Condition)>>;

const asIs = (text: string): string => text;

export const accountUuid = (id: string): string => uuidOf('account', id);

/** A condition on one column. */
export function compare(letter: string, column: string, operator = '=', value = asIs): Condition {
  return { letter, sql: [(parameter) => `${column} ${operator} ${parameter}`], value };
}

/** Metadata that have at least these members, by an index of those that have any. */
export const ofMetadata: Condition = {
  letter: 'j',
  sql: [(parameter) => `metadata::jsonb @> ${parameter}::jsonb and metadata::text <> '{}'`],
  value: (text) => text,
  isUnproven: true,
};

/** What stands at a path of names with colons between them, or below it; either from the same index. */
export function inSubtree(letter: string, column: string): Condition {
  return {
    letter,
    sql: [
      (parameter) => `${column} = ${parameter}`,
      (parameter) => `${column} ~>=~ (${parameter} || ':') and ${column} ~<~ (${parameter} || ';')`,
    ],
    value: asIs,
  };
}

/**
 * How many rows have some metadata, their values alone tell: a plan for any values takes them for so many that it would
 * rather look through all, by time.
 */
export const PLANNED_FOR_VALUES = statement(
  'lists.planned-for-values',
  `select set_config('plan_cache_mode', 'force_custom_plan', true)`,
);

export const CREATED_CONDITIONS = {
  createdGte: compare('e', 'created_at', '>='),
  createdGt: compare('g', 'created_at', '>'),
  createdLte: compare('m', 'created_at', '<='),
  createdLt: compare('l', 'created_at', '<'),
} as const;

/**
 * Of each list so many texts are prepared. Fourteen filters can be combined in thirty thousand ways, and a text that is prepared takes
 * 40 KB of each connection for as long as that lives: whoever tried them all would take gigabytes of the database's memory.
 */
const PREPARED_MAX = 64;

/**
 * The lists of one table, newest first, by keyset. One constant text per combination of filters, so that each can be
 * prepared. Few are asked for; what comes after {@link PREPARED_MAX} of them is planned each time.
 */
export class ListStatements<F extends object> {
  readonly #made = new Map<string, Statement>();

  constructor(
    private readonly table: string,
    private readonly columns: string,
    private readonly conditions: Conditions<F>,
    /** What holds of all that the list shows, beside its owner. */
    private readonly always: readonly string[] = [],
    /** Of one table's lists, which: a part of the statements' names. */
    private readonly part = '',
  ) {}

  /** The statement for a page and its parameters. `uuid` is the one inside the position's id. */
  of(owner: Owner, { filter, after, limit }: Page<F>, uuid: (id: string) => string): [Statement, unknown[]] {
    const given = Object.entries(this.conditions as Conditions<Record<string, string>>).flatMap(([name, of]) => {
      const text = (filter as Record<string, string | undefined>)[name];
      if (text === undefined) return [];
      const condition = typeof of === 'function' ? of(text) : of;
      return [{ condition, value: condition.value(text) }];
    });
    const values = given.map(({ value }) => value);
    if (after) values.push(after.createdAt, uuid(after.id));
    const conditions = given.map(({ condition }) => condition);
    return [
      this.#statement(conditions, after !== undefined),
      [tenantUuid(owner.tenant), owner.livemode, limit, ...values],
    ];
  }

  /** The rows of a page. By metadata they are found in a transaction of their own, which is planned for them. */
  async rows<R extends object>(db: Database, owner: Owner, page: Page<F>, uuid: (id: string) => string): Promise<R[]> {
    const mine = seenBy(db, owner);
    const list = this.of(owner, page, uuid);
    if (!('metadata' in page.filter)) return mine.rows<R>(...list);
    const [, rows] = await mine.transaction((tx) => Promise.all([tx.rows(PLANNED_FOR_VALUES), tx.rows<R>(...list)]));
    return rows;
  }

  #statement(conditions: readonly Condition[], continued: boolean): Statement {
    const letters = conditions.map(({ letter }) => letter).join('') + (continued ? 'c' : '');
    const known = this.#made.get(letters);
    if (known) return known;
    const list = `${this.table.replaceAll('_', '-')}.list-${this.part === '' ? '' : `${this.part}-`}`;
    const text = this.#text(conditions, continued);
    if (this.#made.size >= PREPARED_MAX) return unprepared(`${list}others`, text);
    const made = statement(`${list}${letters}`, text);
    this.#made.set(letters, made);
    return made;
  }

  #text(conditions: readonly Condition[], continued: boolean): string {
    const last = continued ? [NEWEST_FIRST.behind([`$${conditions.length + 4}`, `$${conditions.length + 5}`])] : [];
    // Every way to choose one of each condition's alternatives: two at most, as only one filter has two.
    const ways = conditions.reduce<string[][]>(
      (chosen, { sql }, at) => chosen.flatMap((wheres) => sql.map((one) => [...wheres, one(`$${at + 4}`)])),
      [['tenant_id = $1', 'livemode = $2', ...this.always]],
    );
    const order = `${NEWEST_FIRST.orderBy} limit $3`;
    const from = conditions.some(({ isUnproven }) => isUnproven) ? `tenant_${this.table} as ${this.table}` : this.table;
    const selects = ways.map(
      (wheres) => `select ${this.columns} from ${from} where ${[...wheres, ...last].join(' and ')} ${order}`,
    );
    if (selects.length === 1) return selects.join('');
    return `select * from (${selects.map((select) => `(${select})`).join(' union all ')}) as either ${order}`;
  }
}
