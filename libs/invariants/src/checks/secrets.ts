import { inParts, part } from '../found.js';
import { invariant, type Invariant } from '../invariant.js';
import { overPages, type KeyColumn } from '../page-walk.js';

/** Text that must hold no secret: rows with an `id` that names them and their `content`. */
export interface SecretSource {
  /** Recent rows, bounded: what has come since the last checks. Left out where every change is sent as a message too. */
  readonly running?: string;
  readonly full: string;
}

/** A table that grows with what is done, or stays for ever: looked through in pages, as no statement has so much time. */
export interface SecretTable {
  readonly running?: string;
  readonly table: string;
  /** What names a row, and the text of it: expressions over its columns. */
  readonly id: string;
  readonly content: string;
  /** Its key after tenant and mode; an id where it is left out. */
  readonly key?: readonly KeyColumn[];
}

const INTERVAL_MS = 60_000;
/** At full load a row has hundreds of messages of a kind: what writes a secret into one writes it into most. */
const OF_EACH_ROW = 25;

const MESSAGE_CONTENT = `concat_ws(' ', m ->> 'value', m -> 'message' ->> 'subject', m -> 'message' ->> 'actor')`;

/** Of the runner's tables: what is sent, what waits, what could not be read. */
const MESSAGING: SecretSource[] = [
  {
    running: `select 'outbox/' || o.id as id, ${MESSAGE_CONTENT} as content
      from (select id, messages from outbox where created_at > clock_timestamp() - interval '10 minutes' order by id desc limit 20) as o,
        lateral (select m from json_array_elements(o.messages::json) as m limit ${OF_EACH_ROW}) as few
      where not (m -> 'message' ->> 'type') like 'payflow.deadletter.%'`,
    full: `select 'outbox/' || o.id as id, ${MESSAGE_CONTENT} as content
      from outbox o, json_array_elements(o.messages::json) as m where not (m -> 'message' ->> 'type') like 'payflow.deadletter.%'`,
  },
  sourceOf(
    `select 'parked_messages/' || event_id as id, (message::json -> 'data')::text as content from parked_messages`,
  ),
  sourceOf(
    `select 'waiting_commands/' || event_id as id, (message::json -> 'data')::text as content from waiting_commands`,
  ),
  sourceOf(
    `select concat_ws('/', 'dead_letters', consumer_group, partition, record_offset) as id, encode(record_value, 'escape') as content
     from dead_letters where record_value is not null`,
  ),
];

/** A small table, read whole when nobody hurries and up to a few hundred rows otherwise. */
function sourceOf(query: string): SecretSource {
  return { running: `(${query} limit 300)`, full: query };
}

/** I33: no card number, key, token or password in the runner's tables, nor in the service's own columns of free text. */
export function noSecrets(owner: string, own: readonly (SecretSource | SecretTable)[] = []): Invariant {
  const sources = [...MESSAGING, ...own];
  const running = sources.flatMap((source) => source.running ?? []);
  const full = sources.flatMap((source) => ('full' in source ? source.full : []));
  const tables = sources.flatMap((source) => ('table' in source ? source : []));
  return invariant({
    name: 'I33',
    owner,
    interval_ms: INTERVAL_MS,
    running: secretsIn(running.join('\n union all ')),
    full: inParts(
      part(`${owner}.I33.full`, secretsIn(full.join('\n union all '))),
      ...tables.map(({ table, id, content, key }) =>
        overPages(`${owner}.I33.${table}`, {
          table,
          offending: (page) => secretsIn(`select ${id} as id, ${content} as content from ${page}`),
          ...(key ? { key } : {}),
        }),
      ),
    ),
  });
}

function secretsIn(texts: string): string {
  return `select id || ' ' || secret_kind(content) as id from (${texts}) as texts where secret_kind(content) is not null`;
}
