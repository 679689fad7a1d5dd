import { SUBSCRIPTIONS } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { listParked, requestParked } from '@payflow/messaging';
import { Command } from 'commander';
import { groupOf, parseWords } from '../arguments.js';
import { withDatabase } from '../installation.js';
import { printTable } from '../output.js';

const READING_SERVICES = [...new Set(Object.values(SUBSCRIPTIONS).map(({ service }) => service))];

const SHOWN_MAX = 100;

const SHOW = statement(
  'cli.parked-messages',
  `select record_offset as "offset", event_id, since, case livemode when 'true' then 'live' when 'false' then 'test' else '?' end as mode, waits, message
   from (
     select arrival, record_offset, event_id, parked_at as since, message ->> 'livemode' as livemode, 'for you' as waits, message::text as message
     from parked_messages where consumer_group = $1 and tenant = $2 and record_key = $3
     union all
     -- Neither released nor discarded with the others.
     select null, record_offset, event_id, waiting_since, livemode::text, 'for number ' || sequence - 1, message::text
     from waiting_commands where consumer_group = $1 and tenant = $2 and record_key = $3) as m
   order by arrival, record_offset limit ${SHOWN_MAX}`,
);

interface Wish {
  readonly actor: string;
  readonly reason: string;
}

/** `payflow parked`: what stands still because a message of it could not be applied, and what becomes of it. */
export function parkedCommands(): Command {
  const parked = new Command('parked').description(
    'subjects that stand still because a message of theirs could not be applied',
  );
  parked.command('ls').description('list them').action(list);
  parked
    .command('show')
    .argument('<group>')
    .argument('<tenant>')
    .argument('<key>')
    .description('the messages that wait')
    .action(show);
  for (const [name, state, description] of [
    ['release', 'releasing', 'apply the waiting messages in order'],
    ['discard', 'discarding', 'refuse the waiting messages, for good'],
  ] as const) {
    parked
      .command(name)
      .argument('<group>')
      .argument('<tenant>')
      .argument('<key>')
      .requiredOption('--actor <who>', 'who decides', parseWords)
      .requiredOption('--reason <why>', 'why', parseWords)
      .description(description)
      .action((group: string, tenant: string, recordKey: string, { actor, reason }: Wish) =>
        request(group, tenant, recordKey, { state, actor, reason }),
      );
  }
  return parked;
}

async function list(): Promise<void> {
  for (const service of READING_SERVICES) {
    const rows = await withDatabase(service, listParked);
    printTable(
      rows.map((row) => ({
        group: row.group,
        tenant: row.tenant,
        key: row.recordKey,
        mode: row.modes,
        state: row.state,
        waiting: row.waiting,
        since: row.parkedAt,
        cause: `${row.errorClass}: ${row.errorMessage}`,
      })),
      `${service}: nothing is parked`,
    );
  }
}

async function show(group: string, tenant: string, recordKey: string): Promise<void> {
  const rows = await withDatabase(serviceOf(group), (db) => db.rows(SHOW, [group, tenant, recordKey]));
  printTable(rows, 'no messages wait under this key');
  if (rows.length === SHOWN_MAX) process.stdout.write(`the first ${SHOWN_MAX}\n`);
}

async function request(
  group: string,
  tenant: string,
  recordKey: string,
  wish: Wish & { state: 'releasing' | 'discarding' },
): Promise<void> {
  const found = await withDatabase(serviceOf(group), (db) => requestParked(db, { group, tenant, recordKey }, wish));
  if (!found) throw new Error('no such subject is parked');
  process.stdout.write(`${wish.state}: the owner of the partition carries it out within seconds\n`);
}

function serviceOf(group: string) {
  return SUBSCRIPTIONS[groupOf(group)].service;
}
