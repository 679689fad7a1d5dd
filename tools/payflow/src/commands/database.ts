import { Command } from 'commander';
import { parseHours, parseService } from '../arguments.js';
import { adviseOnDatabases } from './database-advice.js';

/** `payflow db`: how the databases are, and what keeps them well. */
export function databaseCommands(): Command {
  const db = new Command('db').description('how the databases are, and what keeps them well');
  db.command('advise')
    .option('--service <name>', 'one service alone', parseService)
    .option('--json', 'print the result as JSON')
    .option(
      '--observed <hours>',
      'call an index unused when the server has counted for so long (7 days by default)',
      parseHours,
    )
    .option('--try-out', 'build the indexes that are missing on a copy of the database, and see what they bring')
    .description('say what the databases lack, with evidence; changes nothing')
    .action(adviseOnDatabases);
  return db;
}
