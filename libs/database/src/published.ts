import type { Database } from './database.js';
import { keyset, pagesOf } from './keyset.js';
import { statement, type Statement } from './statement.js';

/** The key of a thing that an owner has told of. */
export interface PublishedKey {
  readonly tenant_id: string;
  readonly livemode: boolean;
  /** A UUID, or what else the thing is told apart by. */
  readonly id: string;
}

/** What a thing is told apart by among its owner's, as a column of its own type. */
export interface KeyColumn {
  readonly column: string;
  readonly type: 'uuid' | 'text';
}

export const ID_KEY: KeyColumn = { column: 'id', type: 'uuid' };

/** What one service has told the others of one kind of thing, to be read as it stands by whoever makes a copy of it anew. */
export interface Published {
  /** A page of keys behind one, in their order. */
  readonly keys: Statement;
  /** The states of the things with these keys, all as one JSON array. */
  readonly states: Statement;
  /** Where keys begin. */
  readonly first: PublishedKey;
  /** A state as events tell it, where SQL cannot say so. */
  readonly told: ((state: never) => object) | undefined;
}

export interface PublishedParts {
  /** In the statements' names. */
  readonly name: string;
  /** Table or join that has the things, with `t` for the one whose key it is. */
  readonly from: string;
  /** The members of a state, as a select list. */
  readonly select: string;
  /** Which of the rows have been told of. */
  readonly where?: string;
  /** Columns of the key's index that are the same for all: `kind` of `tenant_id, livemode, kind, id`. */
  readonly between?: { readonly column: string; readonly value: string };
  /** {@link ID_KEY}, unless it is told apart by something else. */
  readonly key?: KeyColumn;
  /** Makes of a row what events tell of it: of ids in their public form, for one. Sums must then be selected as texts. */
  readonly told?: (state: never) => object;
}

const NIL = '00000000-0000-0000-0000-000000000000';

/** An instant as events tell it. */
export function inMilliseconds(expression: string): string {
  return `date_trunc('milliseconds', ${expression})`;
}

export function published({
  name,
  from,
  select,
  where = 'true',
  between,
  key = ID_KEY,
  told,
}: PublishedParts): Published {
  const id = `t.${key.column}`;
  const columns = ['t.tenant_id', 't.livemode', ...(between ? [between.column] : []), id];
  const order = keyset('asc', ...columns);
  const place = ['$1::uuid', '$2::boolean', ...(between ? [between.value] : []), `$3::${key.type}`];
  const ofKind = between ? `${between.column} = ${between.value} and ${where}` : where;
  return {
    keys: statement(
      `published.${name}-keys`,
      `select t.tenant_id, t.livemode, ${id} as id from ${from} where ${ofKind} and ${order.behind(place)} ${order.orderBy} limit $4`,
    ),
    states: statement(
      `published.${name}-states`,
      `select coalesce(json_agg(s), '[]')::text as states from (
         select t.tenant_id, t.livemode, ${id}, ${select} from ${from} where ${ofKind} and (t.tenant_id, t.livemode, ${id}) in (
           select * from unnest($1::uuid[], $2::boolean[], $3::${key.type}[]))) as s`,
    ),
    first: { tenant_id: NIL, livemode: false, id: key.type === 'uuid' ? NIL : '' },
    told,
  };
}

/** All keys, page by page. */
export function publishedKeys(
  db: Database,
  { keys, first }: Published,
  page: number,
): AsyncGenerator<readonly PublishedKey[], void> {
  return pagesOf<PublishedKey>((after = first) =>
    db.rows<PublishedKey>(keys, [after.tenant_id, after.livemode, after.id, page]),
  );
}

/** The states of the things with these keys as they stand now; as text, in which no number loses a digit. */
export async function publishedStates(
  db: Database,
  { states, told }: Published,
  keys: readonly PublishedKey[],
): Promise<string> {
  const [row] = await db.rows<{ states: string }>(states, publishedKeyColumns(keys));
  const all = row?.states ?? '[]';
  return told ? JSON.stringify((JSON.parse(all) as never[]).map(told)) : all;
}

export function publishedKeyColumns(keys: readonly PublishedKey[]): [string[], boolean[], string[]] {
  return [keys.map((key) => key.tenant_id), keys.map((key) => key.livemode), keys.map((key) => key.id)];
}
