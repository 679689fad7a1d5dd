import { SERVICES, SUBSCRIPTIONS } from '@payflow/contracts';
import { DEAD_LETTERS_LISTED_MAX, discardDeadLetter, listDeadLetters, requestReplay } from '@payflow/messaging';
import { Command } from 'commander';
import { groupOf, parseLetter, parseOffset, parsePartition, parseWords } from '../arguments.js';
import { withDatabase } from '../installation.js';
import { printTable } from '../output.js';

/** `payflow dead-letters`: records that could not be applied, and the way to try them once more. */
export function deadLetterCommands(): Command {
  const deadLetters = new Command('dead-letters').description('records that could not be applied');
  deadLetters.command('ls').argument('[group]').description("list them: one reader's, or everybody's").action(list);
  decision(deadLetters.command('replay')).description('try a record once more').action(replay);
  decision(deadLetters.command('discard'))
    .description('tell of a record no more, which can never be applied')
    .action(discard);
  return deadLetters;
}

function decision(command: Command): Command {
  return command
    .argument('<group>')
    .argument('<partition>', '', parsePartition)
    .argument('<offset>', '', parseOffset)
    .requiredOption('--actor <who>', 'who decides', parseWords)
    .requiredOption('--reason <why>', 'why', parseWords)
    .option(
      '--letter <number>',
      'which one, where a topic was lost and another record lies at the offset',
      parseLetter,
    );
}

async function list(name?: string): Promise<void> {
  const group = name === undefined ? undefined : groupOf(name);
  const services = group === undefined ? SERVICES : [SUBSCRIPTIONS[group].service];
  const rows: Awaited<ReturnType<typeof listDeadLetters>> = [];
  const cut: string[] = [];
  for (const service of services) {
    const letters = await withDatabase(service, (db) => listDeadLetters(db, group));
    rows.push(...letters);
    if (letters.length === DEAD_LETTERS_LISTED_MAX) cut.push(service);
  }
  printTable(
    rows.map(({ letter, group, partition, offset, state, lastAt, errorClass, errorMessage, traceId }) => ({
      letter,
      group,
      partition,
      offset,
      state,
      since: lastAt,
      cause: `${errorClass}: ${errorMessage}`,
      trace: traceId,
    })),
    'no record is dead-lettered',
  );
  if (cut.length > 0) process.stdout.write(`of ${cut.join(', ')} the first ${DEAD_LETTERS_LISTED_MAX}\n`);
}

type Decided = [
  name: string,
  partition: number,
  offset: number,
  wish: { actor: string; reason: string; letter?: number },
];

async function replay(...decided: Decided): Promise<void> {
  await carryOut(requestReplay, decided);
  process.stdout.write('replaying: the owner of the partition tries it within seconds\n');
}

async function discard(...decided: Decided): Promise<void> {
  await carryOut(discardDeadLetter, decided);
  process.stdout.write('discarded: its bytes stay for 30 days\n');
}

async function carryOut(decide: typeof requestReplay, [name, partition, offset, wish]: Decided): Promise<void> {
  const group = groupOf(name);
  const found = await withDatabase(SUBSCRIPTIONS[group].service, (db) =>
    decide(db, { group, partition, offset, letter: wish.letter }, wish),
  );
  if (!found) throw new Error('no such record is dead-lettered');
}
