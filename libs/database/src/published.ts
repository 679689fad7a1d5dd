import type { Database } from './database.js';
import { keyset, pagesOf } from './keyset.js';
import { statement, type Statement } from './statement.js';

/** The key of a thing that an owner has told of. */
export interface PublishedKey {
  readonly tenant_id: string;
  readonly livemode: boolean;
  readonly id: string;
}

/** What one service has told the others of one kind of thing, to be read as it stands by whoever makes a copy of it anew. */
export interface Published {
  /** A page of keys behind one, in their order. */
  readonly keys: Statement;
  /** The states of the things with these keys, all as one JSON array. */
  readonly states: Statement;
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
}

const NIL: PublishedKey = {
  tenant_id: '00000000-0000-0000-0000-000000000000',
  livemode: false,
  id: '00000000-0000-0000-0000-000000000000',
};

/** An instant as events tell it. */
export function inMilliseconds(expression: string): string {
  return `date_trunc('milliseconds', ${expression})`;
}

export function published({ name, from, select, where = 'true', between }: PublishedParts): Published {
  const columns = ['t.tenant_id', 't.livemode', ...(between ? [between.column] : []), 't.id'];
  const order = keyset('asc', ...columns);
  const place = ['$1::uuid', '$2::boolean', ...(between ? [between.value] : []), '$3::uuid'];
  const ofKind = between ? `${between.column} = ${between.value} and ${where}` : where;
  return {
    keys: statement(
      `published.${name}-keys`,
      `select t.tenant_id, t.livemode, t.id from ${from} where ${ofKind} and ${order.behind(place)} ${order.orderBy} limit $4`,
    ),
    states: statement(
      `published.${name}-states`,
      `select coalesce(json_agg(s), '[]')::text as states from (
         select t.tenant_id, t.livemode, t.id, ${select} from ${from} where ${ofKind} and (t.tenant_id, t.livemode, t.id) in (
           select * from unnest($1::uuid[], $2::boolean[], $3::uuid[]))) as s`,
    ),
  };
}

/** All keys, page by page. */
export function publishedKeys(
  db: Database,
  { keys }: Published,
  page: number,
): AsyncGenerator<readonly PublishedKey[], void> {
  return pagesOf<PublishedKey>((after = NIL) =>
    db.rows<PublishedKey>(keys, [after.tenant_id, after.livemode, after.id, page]),
  );
}

/** The states of the things with these keys as they stand now; as text, in which no number loses a digit. */
export async function publishedStates(
  db: Database,
  { states }: Published,
  keys: readonly PublishedKey[],
): Promise<string> {
  const [row] = await db.rows<{ states: string }>(states, publishedKeyColumns(keys));
  return row?.states ?? '[]';
}

export function publishedKeyColumns(keys: readonly PublishedKey[]): [string[], boolean[], string[]] {
  return [keys.map((key) => key.tenant_id), keys.map((key) => key.livemode), keys.map((key) => key.id)];
}
