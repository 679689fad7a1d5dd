import { toUuid } from '@payflow/contracts';
import { listBlocks, wishLift } from '@payflow/gateway/database';
import { Command } from 'commander';
import { parseWords } from '../arguments.js';
import { withDatabase } from '../installation.js';
import { printTable } from '../output.js';

const LISTED_MAX = 500;

/** `payflow blocks`: who is not let in for a while, and why. */
export function blocksCommands(): Command {
  const blocks = new Command('blocks').description('addresses and credentials that are not let in for a while');
  blocks
    .command('ls')
    .option('--all', 'those that have ended or were lifted, too', false)
    .description('list them, the newest first')
    .action(list);
  blocks
    .command('lift')
    .argument('<id>')
    .requiredOption('--actor <who>', 'who decides', parseWords)
    .requiredOption('--reason <why>', 'why', parseWords)
    .description('let somebody in again before the time')
    .action(lift);
  return blocks;
}

async function list({ all }: { readonly all: boolean }): Promise<void> {
  const rows = await withDatabase('gateway', (db) => listBlocks(db, all, LISTED_MAX));
  printTable(
    rows.map((row) => ({ ...row })),
    'nobody is blocked',
  );
}

async function lift(id: string, { actor, reason }: { readonly actor: string; readonly reason: string }): Promise<void> {
  if (!toUuid('block', id)) throw new Error('that is no id of a block');
  if (!(await withDatabase('gateway', (db) => wishLift(db, id, actor, reason))))
    throw new Error('there is no such block that holds');
  process.stdout.write('a gateway lifts it within seconds\n');
}
