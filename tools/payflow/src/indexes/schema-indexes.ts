/** One index as a schema dump tells it. */
export interface SchemaIndex {
  readonly name: string;
  readonly table: string;
  readonly isUnique: boolean;
  /** btree, brin, gin … */
  readonly method: string;
  readonly columns: string;
  readonly included: string | undefined;
  readonly condition: string | undefined;
}

/** A key of a table: it says what a row is, and refuses a second one. */
export interface SchemaKey {
  readonly name: string;
  readonly table: string;
  readonly isPrimary: boolean;
  readonly columns: string;
}

const INDEX =
  /^CREATE (UNIQUE )?INDEX (\w+) ON (?:ONLY )?public\.(\w+) USING (\w+) \((.+?)\)(?: INCLUDE \(([^)]*)\))?(?: WITH \([^)]*\))?(?: WHERE \((.+)\))?;$/s;

/** Indexes in the text of a dump that are no key's. Throws for one that it cannot read. */
export function indexesIn(schema: string): SchemaIndex[] {
  return schema
    .split('\n\n')
    .filter((part) => /^CREATE (UNIQUE )?INDEX /.test(part))
    .map((part) => {
      const [, unique, name, table, method, columns, included, condition] = INDEX.exec(part.trim()) ?? [];
      if (!name || !table || !method || !columns) throw new Error(`no index can be read in: ${part}`);
      const inOneLine = (text: string | undefined) => text?.replaceAll(/\s+/g, ' ').trim();
      return {
        name,
        table,
        isUnique: unique !== undefined,
        method,
        columns: inOneLine(columns) as string,
        included: inOneLine(included),
        condition: inOneLine(condition),
      };
    });
}

/** Primary keys and unique constraints in the text of a dump. */
export function keysIn(schema: string): SchemaKey[] {
  return schema.split('\n\n').flatMap((part) => {
    const [, table] = /^create table (\w+) \(/.exec(part) ?? [];
    if (!table) return [];
    return [...part.matchAll(/constraint (\w+) (PRIMARY KEY|UNIQUE)[A-Z ]* \(([^)]*)\)/g)].map(
      ([, name = '', kind, columns = '']) => ({ name, table, isPrimary: kind === 'PRIMARY KEY', columns }),
    );
  });
}

/** Its kinds in one word each, the most telling first. */
export function kindsOf({ isUnique, method, columns, included, condition }: SchemaIndex): string[] {
  const kinds = [
    ...(isUnique ? ['unique'] : []),
    ...(condition === undefined ? [] : ['partial']),
    ...(included === undefined ? [] : ['covering']),
    ...(method === 'btree' ? [] : [method]),
    ...(columns.includes(',') ? ['composite'] : []),
  ];
  return kinds.length > 0 ? kinds : ['plain'];
}
