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

const LOOK = statement(
  'cli.look-at-positions',
  `select partition, next_offset::text as at from positions
   where consumer_group = $1 and partition = any ($2::integer[]) order by partition for update`,
);

// A higher epoch makes the running owner drop its claim and take the partition over from here.
const MOVE = statement(
  'cli.move-position',
  `update positions set next_offset = $3, last_event_id = null, epoch = epoch + 1, stopped_reason = null, updated_at = clock_timestamp()
   where consumer_group = $1 and partition = any ($2::integer[])`,
);

// Whatever died at an offset may have died of another record, of a log that is gone.
const UNSUSPECT = statement(
  'cli.forget-suspects',
  'delete from suspects where consumer_group = $1 and partition = any ($2::integer[])',
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
    .option('--skip', 'go on from there also where it has not come so far: what is in between is never read')
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

interface Move {
  readonly to: number;
  readonly skip?: boolean;
  readonly actor: string;
  readonly reason: string;
}

interface Place {
  readonly partition: number;
  /** The next offset that it would read. */
  readonly at: string;
}

/** Of a wish that is half a mistake, nothing is done. */
async function move(
  name: string,
  partitions: readonly number[],
  { to, skip = false, actor, reason }: Move,
): Promise<void> {
  const group = groupOf(name);
  const places = await withDatabase(SUBSCRIPTIONS[group].service, (db) =>
    db.transaction(async (tx) => {
      const found = await tx.rows<Place>(LOOK, [group, partitions]);
      if (found.length !== partitions.length)
        throw new Error(`${found.length} of ${partitions.length} positions exist: none was moved`);
      const unread = found.filter(({ at }) => Number(at) < to);
      if (unread.length > 0 && !skip)
        throw new Error(`${told(unread)} and would never be read up to ${to}: none was moved; --skip does it`);
      await tx.count(MOVE, [group, partitions, to]);
      await tx.count(UNSUSPECT, [group, partitions]);
      const from = Object.fromEntries(found.map(({ partition, at }) => [partition, Number(at)]));
      const details = { group, partitions, to, from };
      await noteDecision(tx, { decision: 'position_moved', details, actor, reason });
      return found;
    }),
  );
  process.stdout.write(`${group} reads on from ${to}: ${told(places)} before (${actor}: ${reason})\n`);
}

function told(places: readonly Place[]): string {
  return places.map(({ partition, at }) => `partition ${partition} was at ${at}`).join(', ');
}
