import { uuidOf, type AnyMessage } from '@payflow/contracts';
import { joinJson, statement, type Database, type Row, type Transaction } from '@payflow/database';
import { sequenceKey, sequenceOf, type SequenceState } from './sequence-plan.js';
import type { Arrival, Unit } from './unit.js';

const SUBJECTS = 'unnest($2::text[], $3::boolean[], $4::text[]) as s (tenant, livemode, record_key)';

const USED = statement(
  'sequences.find-used',
  `select tenant, livemode, record_key, used from command_sequences join ${SUBJECTS} using (tenant, livemode, record_key)
   where consumer_group = $1`,
);

const WAITING = statement(
  'sequences.find-waiting',
  `select message, record_offset, discarded from waiting_commands join ${SUBJECTS} using (tenant, livemode, record_key)
   where consumer_group = $1 order by sequence`,
);

const STORE = statement(
  'sequences.store-waiting',
  `insert into waiting_commands (consumer_group, tenant, livemode, record_key, sequence, event_id, record_offset, message, discarded)
   select $1, m.* from unnest($2::text[], $3::boolean[], $4::text[], $5::integer[], $6::uuid[], $7::bigint[],
     string_to_array($8, chr(30))::json[], $9::boolean[]) as m
   on conflict do nothing`,
);

const DELETE = statement(
  'sequences.delete-waiting',
  `delete from waiting_commands w using unnest($2::text[], $3::boolean[], $4::text[], $5::integer[]) as m (tenant, livemode, record_key, sequence)
   where w.consumer_group = $1 and w.tenant = m.tenant and w.livemode = m.livemode and w.record_key = m.record_key and w.sequence = m.sequence`,
);

const USE = statement(
  'sequences.use',
  `insert into command_sequences as c (consumer_group, tenant, livemode, record_key, used)
   select $1, m.* from unnest($2::text[], $3::boolean[], $4::text[], $5::integer[]) as m
   on conflict (consumer_group, tenant, livemode, record_key) do update set used = greatest(c.used, excluded.used)`,
);

const OVERDUE = statement(
  'sequences.overdue',
  `select count(*)::integer as count from waiting_commands
   where consumer_group = $1 and waiting_since < clock_timestamp() - $2 * interval '1 millisecond'`,
);

interface WaitingRow {
  readonly message: AnyMessage;
  readonly record_offset: bigint;
  readonly discarded: boolean;
}

interface SubjectRow {
  tenant: string;
  livemode: boolean;
  record_key: string;
}

/** How far each sequence among the arrivals has come, and what of it waits. */
export async function loadSequences(unit: Unit, arrivals: readonly Arrival[]): Promise<Map<string, SequenceState>> {
  const { tx, reader } = unit;
  const numbered = arrivals.map(({ message }) => message).filter((message) => sequenceOf(message) !== undefined);
  const subjects = [...new Map(numbered.map((message) => [sequenceKey(message), message])).values()];
  const columns = [reader.group, ...subjectColumns(subjects)];
  const used = await tx.rows<SubjectRow & { used: number }>(USED, columns);
  const waiting = unit.position.hasWaiting ? await tx.rows<WaitingRow & Row>(WAITING, columns) : [];
  const states = new Map(
    subjects.map((message): [string, SequenceState] => [sequenceKey(message), { used: 0, waiting: new Map() }]),
  );
  for (const row of used) stateOf(states, row.tenant, row.livemode, row.record_key).used = row.used;
  for (const row of waiting) {
    const { tenant, livemode, key } = row.message;
    stateOf(states, tenant, livemode, key).waiting.set(sequenceOf(row.message) as number, arrivalOf(row));
  }
  await addBegun(unit, numbered, states);
  return states;
}

/** A subject without a used number may have had its first command applied: that shows in what it made, which the handler knows. */
async function addBegun(
  unit: Unit,
  numbered: readonly AnyMessage[],
  states: ReadonlyMap<string, SequenceState>,
): Promise<void> {
  const later = numbered.filter((message) => sequenceOf(message) !== 1 && states.get(sequenceKey(message))?.used === 0);
  const asked = [...new Map(later.map((message) => [sequenceKey(message), message])).values()];
  if (asked.length === 0) return;
  const begun = await unit.reader.handlers.begun?.(asked, unit.tx);
  for (const message of begun ?? []) (states.get(sequenceKey(message)) as SequenceState).used = 1;
}

function stateOf(
  states: ReadonlyMap<string, SequenceState>,
  tenant: string,
  livemode: boolean,
  key: string,
): SequenceState {
  return states.get(sequenceKey({ tenant, livemode, key } as AnyMessage)) as SequenceState;
}

export async function storeWaiting(unit: Unit, early: readonly Arrival[]): Promise<void> {
  if (early.length === 0) return;
  await unit.tx.count(STORE, [
    unit.reader.group,
    ...numberColumns(early),
    early.map(({ message }) => uuidOf('event', message.id)),
    early.map(({ offset }) => offset),
    joinJson(early.map(({ message }) => JSON.stringify(message))),
    early.map(({ discarded = false }) => discarded),
  ]);
}

export async function deleteWaiting(unit: Unit, arrivals: readonly Arrival[]): Promise<void> {
  if (arrivals.length > 0) await unit.tx.count(DELETE, [unit.reader.group, ...numberColumns(arrivals)]);
}

/** Notes the numbers used up: `used` is by {@link sequenceKey}. */
export async function useSequences(
  unit: Unit,
  used: ReadonlyMap<string, { readonly message: AnyMessage; readonly number: number }>,
): Promise<void> {
  if (used.size === 0) return;
  const rows = [...used.values()];
  await unit.tx.count(USE, [
    unit.reader.group,
    ...subjectColumns(rows.map(({ message }) => message)),
    rows.map(({ number }) => number),
  ]);
}

/** Commands that have waited for their predecessor for longer than `wait_ms`. */
export async function countOverdueWaiting(db: Database | Transaction, group: string, wait_ms: number): Promise<number> {
  const [row] = await db.rows<{ count: number }>(OVERDUE, [group, wait_ms]);
  return row?.count ?? 0;
}

function subjectColumns(messages: readonly AnyMessage[]): unknown[] {
  return [
    messages.map(({ tenant }) => tenant),
    messages.map(({ livemode }) => livemode),
    messages.map(({ key }) => key),
  ];
}

function numberColumns(arrivals: readonly Arrival[]): unknown[] {
  const messages = arrivals.map(({ message }) => message);
  return [...subjectColumns(messages), messages.map(sequenceOf)];
}

function arrivalOf({ message, record_offset, discarded }: WaitingRow): Arrival {
  const value = Buffer.from(JSON.stringify(message.data));
  return { message, offset: Number(record_offset), value, span: undefined, discarded };
}
