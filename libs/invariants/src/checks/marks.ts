import { SUBSCRIPTIONS, type Group, type Service } from '@payflow/contracts';
import { invariant, type Invariant } from '../invariant.js';

/** Marks are kept for eight days, the sums by whole days: the oldest two may have lost a part of one and not of the other. */
const DAYS = 6;
/** A running check leaves a day with more to the full one. */
const COUNTED_MAX = 30_000;
const MODULUS = '(1::bigint << 48)';

const TODAY = `(clock_timestamp() at time zone 'UTC')::date`;

/** From which day on marks are counted, as a common table expression `since` (`first_day`, `floor`). */
export function markedSince(form: 'running' | 'full'): string {
  const day = form === 'running' ? TODAY : `${TODAY} - ${DAYS}`;
  return `since as materialized (select ${day} as first_day, uuid_floor((${day})::timestamp at time zone 'UTC') as floor)`;
}

/** The condition under which a running check looks at a day, given a query for how many messages it has. */
export function isCountable(form: 'running' | 'full', messages: string): string {
  return form === 'full' ? 'true' : `coalesce((${messages}), 0) <= ${COUNTED_MAX}`;
}

/** Count and sum of the ids of events, equal to those of a tally when the same ids went by. */
export const MARKS = `count(*) as messages, (sum(uuid_tail(event_id)) % ${MODULUS})::bigint as id_sum`;
export const TALLIED = `sum(messages)::bigint as messages, (sum(id_sum) % ${MODULUS})::bigint as id_sum`;

/**
 * I20 of a service whose readers mark what they received in the inbox: each message that was applied has one mark and each
 * mark one message. The sums move with the effect, in its transaction; a mark of another transaction would be in one of them alone.
 * `began` is a table of the days (`consumer_group`, `day`) from which on groups mark that once did not.
 */
export function oneMarkPerMessage(service: Service, began?: string): Invariant {
  const marked = (Object.keys(SUBSCRIPTIONS) as Group[]).filter(
    (group) => SUBSCRIPTIONS[group].service === service && SUBSCRIPTIONS[group].mark === 'inbox',
  );
  const groups = `consumer_group in (${marked.map((group) => `'${group}'`).join(', ')})`;
  const isMarked = (day: string) =>
    began === undefined
      ? 'true'
      : `not exists (select from ${began} b where b.consumer_group = received.consumer_group and ${day} < b.day)`;
  const markDay = `(uuid_time(event_id) at time zone 'UTC')::date`;
  const query = (form: 'running' | 'full') => `
    with ${markedSince(form)},
    applied as materialized (
      select consumer_group, day, ${TALLIED} from since, received_tallies received
      where ${groups} and day >= since.first_day and ${isMarked('received.day')} group by 1, 2),
    marks as materialized (
      select consumer_group, ${markDay} as day, ${MARKS} from since, inbox received
      where ${groups} and event_id >= since.floor and ${isMarked(markDay)} and ${isCountable(form, 'select sum(messages) from applied')} group by 1, 2)
    select concat_ws('/', 'inbox', consumer_group, day) || ': ' || coalesce(m.messages, 0) || ' marks for ' || coalesce(a.messages, 0) || ' messages' as id
    from marks m full join applied a using (consumer_group, day)
    where (m.messages, m.id_sum) is distinct from (a.messages, a.id_sum)
      and ${isCountable(form, 'select sum(messages) from applied')}
    order by 1`;
  return invariant({ name: 'I20', owner: service, running: query('running'), full: query('full') });
}
