import { statement } from '@payflow/database';
import { NOTHING_FOUND, part, together, type Part } from '@payflow/invariants';

/** Rows of which a statement adds something up at a time: some 200 MB for the server, on disk where it has less. */
const ROWS_MAX = 2_000_000;

/** Of ids in as many classes as a power of two, one: which bits of their hash are looked at, and what they are. */
export type ClassOf = readonly [mask: number, nth: number];
/** All of them. */
const WHOLE: ClassOf = [0, 0];

/** Of ids in classes, those of one: `$first` is the mask, and the next the class. */
export const ofClass = (id: string, first: number) =>
  `(uuid_hash(${id}) & $${first}::integer) = $${first + 1}::integer`;

/** As many classes as keep each to so many. */
export function* classesOf(rows: number, rows_max: number): Generator<ClassOf, void> {
  const classes = 2 ** Math.ceil(Math.log2(Math.max(1, rows / rows_max)));
  for (let nth = 0; nth < classes; nth++) yield [classes - 1, nth];
}

/** The part of a check that adds up over all of history, a class at a time: `$1` and `$2` are for {@link ofClass}, and `rows` is how many there are. */
export function overClasses(
  name: string,
  { rows, query }: { readonly rows: string; readonly query: string },
  rows_max = ROWS_MAX,
): Part {
  const COUNT = statement(`invariant.${name}.rows`, `select count(*)::float8 as rows from ${rows} as counted`);
  const ofEach = part(name, query);
  return async (db) => {
    let found = NOTHING_FOUND;
    const [counted] = await db.rows<{ rows: number }>(COUNT);
    for (const of of classesOf(counted?.rows ?? 0, rows_max)) found = together(found, await ofEach(db, of));
    return found;
  };
}

/** Walks through history for all ids, or, where a walk answers undefined because they are too many to be held, for each half of them. */
export async function inHalves<T>(walk: (of: ClassOf) => Promise<T | undefined>, of: ClassOf = WHOLE): Promise<T[]> {
  const whole = await walk(of);
  if (whole !== undefined) return [whole];
  const [mask, nth] = of;
  const wider = 2 * mask + 1;
  return [...(await inHalves(walk, [wider, nth])), ...(await inHalves(walk, [wider, nth + mask + 1]))];
}
