import { uuidOf } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import type { ArchivedEvent, Published } from './archived-events.js';

const TYPES = [
  'payflow.account.opened.v1',
  'payflow.account.updated.v1',
  'payflow.transfer.updated.v1',
  'payflow.group.posted.v1',
] as const;
type Told = (typeof TYPES)[number];

interface Data {
  readonly id: string;
  readonly version?: number;
  readonly legs?: readonly { readonly id: string }[];
}

type MetadataEvent = ArchivedEvent<Told, Data>;

const KEPT = statement(
  'cli.kept-askers',
  `select c.nth::integer as nth, m.actor from unnest($1::uuid[], $2::boolean[], $3::text[], $4::uuid[], $5::bigint[])
     with ordinality as c (tenant_id, livemode, resource, id, version, nth)
   join metadata_versions m using (tenant_id, livemode, resource, id, version)
   where m.actor is not null`,
);

/**
 * Metadata of accounts and transfers that the ledger says somebody else has given than was published (I16): who asked stands in no
 * verdict, and beside the metadata alone.
 */
export const publishedAskers: Published<Told, Data> = { types: TYPES, faultsOf };

async function faultsOf(ledger: Database, published: readonly MetadataEvent[]): Promise<string[]> {
  const given = published.map((event) => ({ event, ...givenIn(event) }));
  const rows = await ledger.rows<{ nth: number; actor: string }>(KEPT, [
    given.map(({ event }) => event.tenant_id),
    given.map(({ event }) => event.livemode),
    given.map(({ of }) => of),
    given.map(({ of, id }) => uuidOf(of, id)),
    given.map(({ version }) => version),
  ]);
  const kept = new Map(rows.map(({ nth, actor }) => [nth, actor]));
  return given.flatMap(({ event, id, version }, at) => {
    const actor = kept.get(at + 1);
    if (actor === undefined || actor === event.actor) return [];
    return [`${id} was given its metadata of version ${version} by somebody else than was published`];
  });
}

/** What an event gives metadata to, and as which version of it: a group to its last leg, where it is of one, or stands for another. */
function givenIn({ type, data }: MetadataEvent): { readonly of: 'account' | 'transfer'; id: string; version: number } {
  switch (type) {
    case 'payflow.account.opened.v1':
      return { of: 'account', id: data.id, version: 1 };
    case 'payflow.account.updated.v1':
      return { of: 'account', id: data.id, version: data.version ?? 1 };
    case 'payflow.transfer.updated.v1':
      return { of: 'transfer', id: data.id, version: data.version ?? 1 };
    case 'payflow.group.posted.v1':
      return { of: 'transfer', id: data.legs?.at(-1)?.id ?? data.id, version: 1 };
    default:
      return type satisfies never;
  }
}
