import {
  MESSAGES,
  SERVICES,
  SUBSCRIPTIONS,
  toUuid,
  type Group,
  type MessageType,
  type Service,
  type SubscriptionSpec,
} from '@payflow/contracts';
import type { Databases } from '../house/databases.js';
import type { Finding } from './finding.js';

/** What a scenario put into the topics itself, beside what the services sent. */
export interface ForeignRecords {
  /** It means to see subjects parked and records dead-lettered, and looks at them itself. Else there must be none. */
  readonly setAsideExpected?: boolean;
  /** Valid messages of its own, which readers count like any other. */
  readonly messages?: readonly ForeignMessage[];
}

export interface ForeignMessage {
  readonly type: MessageType;
  readonly id: string;
}

interface Tally {
  messages: number;
  idSum: bigint;
}

const MODULUS = 1n << 48n;
const READERS = [...new Set(Object.values(SUBSCRIPTIONS).map(({ service }) => service))];

const SENT = `
  select distinct m -> 'message' ->> 'type' as type, m -> 'message' ->> 'id' as id
  from outbox, json_array_elements(messages::json) as m where topic not like 'dlq.%'`;
const UNPUBLISHED = `select topic || ' ' || id as what from outbox where published_at is null limit 100`;
const RECEIVED = `
  select consumer_group, sum(messages)::text as messages, (sum(id_sum) % ${MODULUS})::text as id_sum from received_tallies group by 1`;
const SET_ASIDE = `
  select consumer_group, 'parked ' || record_key as what from parked_subjects
  union all select consumer_group, 'dead letter ' || topic || '/' || partition || '/' || record_offset || ' ' || error_class || ': ' || error_message from dead_letters`;
const PARKED_IDS = `select consumer_group, event_id from parked_messages`;
const STOPPED = `select consumer_group || ' ' || partition || ' ' || stopped_reason as what from positions where stopped_reason is not null`;
const ARCHIVED = `select type, count(*)::text as messages, count(distinct event_id)::text as ids from archived_events group by type`;
// The ledger is sealed again and again, each time under the next number; an overdraft moves with each version of its account,
// and the sums of a payment with each version of that;
// and every definition of a unit is answered, the first and the same ones after it.
const NTH = `case
  when m -> 'message' ->> 'type' in ('payflow.ledger.sealed.v1', 'payflow.payment.updated.v1', 'payflow.payment.partially_captured.v1')
    or m -> 'message' ->> 'type' like 'payflow.account.overdraft%'
    then m -> 'message' ->> 'aggregateVersion'
  when m -> 'message' ->> 'type' like 'payflow.asset.%' then m -> 'message' ->> 'causationId' end`;
const REPEATED = `
  select m -> 'message' ->> 'type' as type, m -> 'message' ->> 'subject' as subject, count(distinct m -> 'message' ->> 'id')::text as ids
  from outbox, json_array_elements(messages::json) as m
  where m -> 'message' ->> 'type' not in ('payflow.payment.sweep.v1', 'payflow.deadletter.v1')
  group by 1, 2, ${NTH}
  having count(distinct m -> 'message' ->> 'id') > 1 limit 100`;

/** Outbox minus inbox: every message sent was received once by each of its readers, and nothing else was. */
export async function messageFindings(
  databases: Databases,
  { setAsideExpected = false, messages = [] }: ForeignRecords = {},
): Promise<Finding[]> {
  const sent = await sentByType(databases);
  for (const { type, id } of messages) addTo(sent, type, toUuid('event', id) ?? '');
  const findings = await Promise.all([
    ...SERVICES.map((service) => rowsAs(databases, service, UNPUBLISHED, 'I19', 'unpublished')),
    ...SERVICES.map((service) => repeats(databases, service)),
    ...READERS.map((service) => againstReaders(databases, service, sent)),
    ...(setAsideExpected ? [] : READERS.map((service) => rowsAs(databases, service, SET_ASIDE, 'I23', service))),
    ...(setAsideExpected ? [] : READERS.map((service) => rowsAs(databases, service, STOPPED, 'I23', 'stopped'))),
    againstArchive(databases, sent),
  ]);
  return findings.flat();
}

async function sentByType(databases: Databases): Promise<Map<MessageType, Tally>> {
  const byType = new Map<MessageType, Tally>();
  for (const service of SERVICES) {
    for (const { type, id } of await databases.rows<{ type: MessageType; id: string }>(service, SENT)) {
      addTo(byType, type, toUuid('event', id) ?? '');
    }
  }
  return byType;
}

function addTo<K>(tallies: Map<K, Tally>, key: K, uuid: string): void {
  const tally = tallies.get(key) ?? { messages: 0, idSum: 0n };
  tallies.set(key, { messages: tally.messages + 1, idSum: (tally.idSum + BigInt(`0x${uuid.slice(-12)}`)) % MODULUS });
}

async function againstReaders(
  databases: Databases,
  service: Service,
  sent: ReadonlyMap<MessageType, Tally>,
): Promise<Finding[]> {
  const [received, parked] = await Promise.all([
    databases.rows<{ consumer_group: Group; messages: string; id_sum: string }>(service, RECEIVED),
    databases.rows<{ consumer_group: Group; event_id: string }>(service, PARKED_IDS),
  ]);
  const tallies = new Map(
    received.map(({ consumer_group, messages, id_sum }) => [
      consumer_group,
      { messages: Number(messages), idSum: BigInt(id_sum) },
    ]),
  );
  for (const { consumer_group, event_id } of parked) addTo(tallies, consumer_group, event_id);
  const groups = Object.entries<SubscriptionSpec>(SUBSCRIPTIONS).filter(([, spec]) => spec.service === service);
  return groups.flatMap(([group, { types }]) =>
    compare(group as Group, sumOf(sent, types), tallies.get(group as Group)),
  );
}

function sumOf(sent: ReadonlyMap<MessageType, Tally>, types: readonly string[]): Tally {
  return types.reduce<Tally>(
    (sum, type) => {
      const tally = sent.get(type as MessageType) ?? { messages: 0, idSum: 0n };
      return { messages: sum.messages + tally.messages, idSum: (sum.idSum + tally.idSum) % MODULUS };
    },
    { messages: 0, idSum: 0n },
  );
}

function compare(group: Group, sent: Tally, received: Tally = { messages: 0, idSum: 0n }): Finding[] {
  if (sent.messages === received.messages && sent.idSum === received.idSum) return [];
  return [
    {
      rule: 'I21',
      what: `${group}: ${sent.messages} sent, ${received.messages} received${sent.messages === received.messages ? ', and not the same ones' : ''}`,
    },
  ];
}

/** Each cause has one message of a type, whoever died in between: a second one under another id is a doubled effect. */
async function repeats(databases: Databases, service: Service): Promise<Finding[]> {
  const rows = await databases.rows<{ type: string; subject: string; ids: string }>(service, REPEATED);
  return rows.map(({ type, subject, ids }) => ({
    rule: 'I20',
    what: `${service} told ${type} of ${subject} under ${ids} ids`,
  }));
}

async function againstArchive(databases: Databases, sent: ReadonlyMap<MessageType, Tally>): Promise<Finding[]> {
  const rows = await databases.rows<{ type: string; messages: string; ids: string }>('archiver', ARCHIVED);
  const archived = new Map(rows.map((row) => [row.type, row]));
  const topics = Object.values<SubscriptionSpec>(SUBSCRIPTIONS)
    .filter(({ service }) => service === 'archiver')
    .map(({ topic }) => topic);
  const types = (Object.keys(MESSAGES) as MessageType[]).filter((type) => topics.includes(MESSAGES[type].topic));
  return types.flatMap((type): Finding[] => {
    const wanted = String(sent.get(type)?.messages ?? 0);
    const { messages = '0', ids = '0' } = archived.get(type) ?? {};
    return messages === wanted && ids === wanted
      ? []
      : [{ rule: 'I21', what: `${type}: ${wanted} sent, ${messages} archived under ${ids} ids` }];
  });
}

async function rowsAs(
  databases: Databases,
  service: Service,
  query: string,
  rule: string,
  prefix: string,
): Promise<Finding[]> {
  const rows = await databases.rows<{ what: string }>(service, query);
  return rows.map(({ what }) => ({ rule, what: `${prefix}: ${what}` }));
}
