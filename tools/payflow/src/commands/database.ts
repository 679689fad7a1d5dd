import { Command } from 'commander';
import { parseHours, parseKinds, parseSeconds, parseService, parseTimes } from '../arguments.js';
import { adviseOnDatabases } from './database-advice.js';
import { maintainDatabases } from './database-maintenance.js';

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
  db.command('maintain')
    .option('--service <name>', 'one service alone', parseService)
    .option('--only <kinds>', 'of analyze, vacuum and reindex, separated by commas', parseKinds)
    .option('--all', 'vacuum and analyze every table, whether it needs it or not')
    .option(
      '--window <from-to>',
      'begin steps within these times of the day alone, such as 01:00-05:00 (UTC)',
      parseTimes,
    )
    .option('--rest <seconds>', 'pause between two steps (1 by default)', parseSeconds)
    .option('--dry-run', 'only show what would be done')
    .description(
      'ANALYZE, VACUUM and REINDEX CONCURRENTLY what needs it, as the owner; exits with 2 when steps are left',
    )
    .action(maintainDatabases);
  return db;
}
