import { describe, expect, it } from 'vitest';
import { indexesIn, keysIn, kindsOf } from './schema-indexes.js';

const SCHEMA = `create table things (
  id uuid not null,
  path text,
  constraint things_pkey PRIMARY KEY (tenant_id, id),
  constraint things_in_order UNIQUE NULLS NOT DISTINCT (tenant_id, path)
);

CREATE UNIQUE INDEX things_path ON public.things USING btree (tenant_id, path text_pattern_ops) WHERE (path IS NOT NULL);

CREATE INDEX things_by_age ON ONLY public.things USING brin (created_at) WITH (pages_per_range='32');

CREATE INDEX things_by_kind ON public.things USING btree ((
CASE
    WHEN (a IS NOT NULL) THEN 'x'::text
    ELSE 'y'::text
END), id) INCLUDE (amount) WHERE (a <> 'y'::text);

CREATE TRIGGER never BEFORE UPDATE ON public.things FOR EACH ROW EXECUTE FUNCTION refuse();
`;

describe('a schema dump', () => {
  it('tells of indexes what kind they are, on which columns, and under which condition', () => {
    const indexes = indexesIn(SCHEMA);
    expect(indexes.map(({ name }) => name)).toEqual(['things_path', 'things_by_age', 'things_by_kind']);
    expect(indexes[0]).toMatchObject({
      table: 'things',
      columns: 'tenant_id, path text_pattern_ops',
      condition: 'path IS NOT NULL',
    });
    expect(indexes[2]).toMatchObject({ included: 'amount', condition: "a <> 'y'::text" });
    expect(indexes.map(kindsOf)).toEqual([
      ['unique', 'partial', 'composite'],
      ['brin'],
      ['partial', 'covering', 'composite'],
    ]);
  });

  it('tells the keys of tables', () => {
    expect(keysIn(SCHEMA)).toEqual([
      { name: 'things_pkey', table: 'things', isPrimary: true, columns: 'tenant_id, id' },
      { name: 'things_in_order', table: 'things', isPrimary: false, columns: 'tenant_id, path' },
    ]);
  });

  it('with an index of a form that is not known is refused', () => {
    expect(() => indexesIn('CREATE INDEX odd ON elsewhere.things USING btree (a);')).toThrow('no index can be read');
  });
});
