import { statement, type Database } from '@payflow/database';

/** Events that one statement looks through: a group's may be of a megabyte. */
const EVENTS_MAX = 1_000;

/** An event's place in the archive. */
export interface ArchivedPlace extends Record<string, unknown> {
  readonly tenant_id: string;
  readonly livemode: boolean;
  readonly event_id: string;
}

export interface ArchivedEvent<T extends string, D> extends ArchivedPlace {
  readonly type: T;
  readonly subject: string;
  readonly causation_id: string;
  readonly actor: string;
  readonly data: D;
}

export const NIL = '00000000-0000-0000-0000-000000000000';

// However few there are of the types that are asked for, a statement reads no further than so many events.
const STEP = `(tenant_id, livemode, event_id) > ($1::uuid, $2::boolean, $3::uuid)
   order by tenant_id, livemode, event_id limit ${EVENTS_MAX}`;

const OF_TYPES = statement(
  'cli.archived-of-types',
  `select * from (
     select tenant_id, livemode, event_id, type, subject, causation_id, actor, data from archived_events where ${STEP}) as looked
   where type = any ($4::text[])`,
);

const LAST_LOOKED = statement(
  'cli.archived-step',
  `select tenant_id, livemode, event_id from (
     select tenant_id, livemode, event_id from archived_events where ${STEP}) as looked
   order by tenant_id desc, livemode desc, event_id desc limit 1`,
);

/** What the archive has of some types, in pages: all of it is read once. */
export async function* archivedEvents<T extends string, D>(
  archiver: Database,
  types: readonly T[],
): AsyncGenerator<readonly ArchivedEvent<T, D>[], void> {
  for (let after: unknown[] = [NIL, false, NIL]; ;) {
    const [last] = await archiver.rows<ArchivedPlace>(LAST_LOOKED, after);
    if (!last) return;
    yield await archiver.rows<ArchivedEvent<T, D>>(OF_TYPES, [...after, types]);
    after = [last.tenant_id, last.livemode, last.event_id];
  }
}

/** Some of what the archive has, and how it is held against what a service has of it. */
export interface Published<T extends string = string, D = unknown> {
  readonly types: readonly T[];
  /** What a page of these events is told otherwise of. What a later event may yet agree with is left in `open`, and taken out by that. */
  faultsOf(
    service: Database,
    published: readonly ArchivedEvent<T, D>[],
    open: Map<string, string>,
  ): Promise<readonly string[]>;
}

/** What a service has otherwise than it was published: the archive is read once for all of it. */
export async function unlikePublished<T extends string>(
  service: Database,
  archiver: Database,
  ...kinds: readonly Published<T, never>[]
): Promise<string[]> {
  const unlike: string[] = [];
  const types = [...new Set(kinds.flatMap((kind) => kind.types))];
  const looked = kinds.map((kind) => ({ kind, open: new Map<string, string>() }));
  for await (const published of archivedEvents<T, never>(archiver, types)) {
    for (const { kind, open } of looked) {
      const its = published.filter(({ type }) => kind.types.includes(type));
      if (its.length > 0) unlike.push(...(await kind.faultsOf(service, its, open)));
    }
  }
  return [...unlike, ...looked.flatMap(({ open }) => [...open.values()])];
}
