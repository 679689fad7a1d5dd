import { SUBSCRIPTIONS } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { noteDecision } from '@payflow/messaging';
import { Command } from 'commander';
import { groupOf, parseOffset, parsePartitions, parseWords } from '../arguments.js';
import { withDatabase } from '../installation.js';
import { printTable } from '../output.js';

const READING_SERVICES = [...new Set(Object.values(SUBSCRIPTIONS).map(({ service }) => service))];

const LIST = statement(
  'cli.positions',
  `select consumer_group as "group", topic, partition, epoch, next_offset as "next offset", stopped_reason as stopped, updated_at as updated
   from positions order by 1, 3`,
);

// A higher epoch makes the running owner drop its claim and take the partition over from here.
const MOVE = statement(
  'cli.move-position',
  `update positions set next_offset = $3, last_event_id = null, epoch = epoch + 1, stopped_reason = null, updated_at = clock_timestamp()
   where consumer_group = $1 and partition = any ($2::integer[])`,
);

/** `payflow positions`: how far each reader has come, and the only way to send one back. */
export function positionsCommands(): Command {
  const positions = new Command('positions').description('how far each reader has come');
  positions.command('ls').description('list them').action(list);
  positions
    .command('move')
    .argument('<group>')
    .argument('<partitions>', 'comma-separated', parsePartitions)
    .requiredOption('--to <offset>', 'the next offset to read', parseOffset)
    .requiredOption('--actor <who>', 'who decides', parseWords)
    .requiredOption('--reason <why>', 'why', parseWords)
    .description('read again from an offset; what was applied before is recognised and not applied twice')
    .action(move);
  return positions;
}

async function list(): Promise<void> {
  for (const service of READING_SERVICES) {
    printTable(await withDatabase(service, (db) => db.rows(LIST)), `${service}: has read nothing yet`);
  }
}

async function move(
  name: string,
  partitions: readonly number[],
  { to, actor, reason }: { to: number; actor: string; reason: string },
): Promise<void> {
  const group = groupOf(name);
  await withDatabase(SUBSCRIPTIONS[group].service, (db) =>
    db.transaction(async (tx) => {
      const moved = await tx.count(MOVE, [group, partitions, to]);
      // Of a wish that is half a mistake, nothing is done.
      if (moved !== partitions.length)
        throw new Error(`${moved} of ${partitions.length} positions exist: none was moved`);
      await noteDecision(tx, { decision: 'position_moved', details: { group, partitions, to }, actor, reason });
    }),
  );
  process.stdout.write(`${group} reads again from ${to} (${actor}: ${reason})\n`);
}
