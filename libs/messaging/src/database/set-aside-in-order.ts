import { SqlMigration } from '@payflow/database';

/**
 * What is set aside has a number of its own: an offset is of one log, and a topic that was lost and made anew counts from nothing. Few
 * rows wait here, and mostly none.
 */
export class SetAsideInOrder1764700000201 extends SqlMigration {
  readonly sql = `
alter table parked_messages add column arrival bigint;
update parked_messages m set arrival = o.arrival
from (select consumer_group, event_id, row_number() over (order by parked_at, partition, record_offset) as arrival from parked_messages) o
where (m.consumer_group, m.event_id) = (o.consumer_group, o.event_id);
alter table parked_messages alter arrival set not null, alter arrival add generated always as identity;
select setval(pg_get_serial_sequence('parked_messages', 'arrival'), (select coalesce(max(arrival), 0) + 1 from parked_messages), false);
drop index parked_messages_in_order;
create index parked_messages_in_order on parked_messages (consumer_group, tenant, record_key, arrival);

alter table dead_letters add column arrival bigint generated always as identity;
alter table dead_letters drop constraint dead_letters_pkey, add primary key (arrival);
-- Read again, a record is kept once; another one may come to lie at its offset.
create unique index dead_letters_once on dead_letters
  (consumer_group, topic, partition, record_offset, coalesce(event_id, ''), md5(coalesce(record_value, '')));
drop index dead_letters_replaying;
create index dead_letters_replaying on dead_letters (consumer_group, partition, arrival) where state = 'replaying';

-- Refused by an operator while what it waits for had not come: it is not to be carried out when that comes.
alter table waiting_commands add column discarded boolean not null default false;`;
}
