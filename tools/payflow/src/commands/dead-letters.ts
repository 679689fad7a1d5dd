import { SUBSCRIPTIONS } from '@payflow/contracts';
import { listDeadLetters, requestReplay } from '@payflow/messaging';
import { Command } from 'commander';
import { groupOf, parseOffset, parsePartition } from '../arguments.js';
import { withDatabase } from '../installation.js';
import { printTable } from '../output.js';

/** `payflow dead-letters`: records that could not be applied, and the way to try them once more. */
export function deadLetterCommands(): Command {
  const deadLetters = new Command('dead-letters').description('records that could not be applied');
  deadLetters.command('ls').argument('<group>').description('list them').action(list);
  deadLetters
    .command('replay')
    .argument('<group>')
    .argument('<partition>', '', parsePartition)
    .argument('<offset>', '', parseOffset)
    .requiredOption('--actor <who>', 'who decides')
    .requiredOption('--reason <why>', 'why')
    .description('try a record once more')
    .action(replay);
  return deadLetters;
}

async function list(name: string): Promise<void> {
  const group = groupOf(name);
  const rows = await withDatabase(SUBSCRIPTIONS[group].service, (db) => listDeadLetters(db, group));
  printTable(
    rows.map(({ partition, offset, state, lastAt, errorClass, errorMessage, traceId }) => ({
      partition,
      offset,
      state,
      since: lastAt,
      cause: `${errorClass}: ${errorMessage}`,
      trace: traceId,
    })),
    'no record is dead-lettered',
  );
}

async function replay(
  name: string,
  partition: number,
  offset: number,
  wish: { actor: string; reason: string },
): Promise<void> {
  const group = groupOf(name);
  const place = { group, partition, offset };
  const found = await withDatabase(SUBSCRIPTIONS[group].service, (db) => requestReplay(db, place, wish));
  if (!found) throw new Error('no such record is dead-lettered');
  process.stdout.write('replaying: the owner of the partition tries it within seconds\n');
}
