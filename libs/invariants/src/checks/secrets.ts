import { invariant, type Invariant } from '../invariant.js';

/** Text that must hold no secret: rows with an `id` that names them and their `content`. */
export interface SecretSource {
  /** Recent rows, bounded: what has come since the last checks. Left out where every change is sent as a message too. */
  readonly running?: string;
  readonly full: string;
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
export function noSecrets(owner: string, own: readonly SecretSource[] = []): Invariant {
  const over = (form: 'running' | 'full') => `
    select id || ' ' || secret_kind(content) as id
    from (${[...MESSAGING, ...own].flatMap((source) => source[form] ?? []).join('\n union all ')}) as texts
    where secret_kind(content) is not null`;
  return invariant({ name: 'I33', owner, interval_ms: INTERVAL_MS, running: over('running'), full: over('full') });
}
