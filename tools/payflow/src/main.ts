import { configureLogging } from '@payflow/telemetry';
import { Command } from 'commander';
import { attemptsCommands } from './commands/attempts.js';
import { blocksCommands } from './commands/blocks.js';
import { parseSeconds } from './arguments.js';
import { databaseCommands } from './commands/database.js';
import { deadLetterCommands } from './commands/dead-letters.js';
import { demo } from './commands/demo.js';
import { generate } from './commands/generate.js';
import { jobsCommands } from './commands/jobs.js';
import { keysCommands } from './commands/keys.js';
import { bootstrapCommand, organisationsCommands } from './commands/organisations.js';
import { openApiCommands } from './commands/openapi.js';
import { outboxCommands } from './commands/outbox.js';
import { outlivesItsReader } from './output.js';
import { parkedCommands } from './commands/parked.js';
import { partitionsCommands } from './commands/partitions.js';
import { positionsCommands } from './commands/positions.js';
import { routesCommands } from './commands/routes.js';
import { setup } from './commands/setup.js';
import { viewsCommands } from './commands/views.js';
import { verify } from './commands/verify.js';

// Stdout is for answers, which others read line by line.
configureLogging({ service: 'payflow', stream: process.stderr });
outlivesItsReader(process.stdout);

const program = new Command('payflow').description("PayFlow: the operator's hand");

program
  .command('setup')
  .description('make databases, roles, tables and topics; prints one JSON line of environment per service')
  .action(setup);

program
  .command('demo')
  .description('make two funded accounts and send one payment through; in a new installation `payflow bootstrap` first')
  .requiredOption('--api <url>', 'where the gateway listens')
  .action(demo);

program
  .command('verify')
  .description('run every invariant and name the first offending rows; or check a proof, with nothing but its file')
  .argument(
    '[service]',
    "one service's own invariants: `payflow verify ledger` computes every hash anew; or `provider`: what a provider says it moved",
  )
  .option('--json', 'print the result as JSON')
  .option('--connector <name>', 'with `provider`: whose books are held against ours (cards)')
  .option('--each', 'with `provider`: read its page of every payment, also where nothing differs')
  .option('--within <seconds>', 'with `provider`: look again for so long while they differ', parseSeconds)
  .option(
    '--proof <file>',
    'an inclusion proof as GET /api/v1/transfers/:id/proof answered it, or - for standard input',
  )
  .option(
    '--key <id>',
    'with `--proof`: the id of the key that must have signed it; else the ids, with commas, of all that may have signed the heads',
  )
  .action(verify);

program.addCommand(parkedCommands());
program.addCommand(deadLetterCommands());
program.addCommand(positionsCommands());
program.addCommand(partitionsCommands());
program.addCommand(outboxCommands());
program.addCommand(databaseCommands());
program.addCommand(bootstrapCommand());
program.addCommand(organisationsCommands());
program.addCommand(keysCommands());
program.addCommand(blocksCommands());
program.addCommand(routesCommands());
program.addCommand(jobsCommands());
program.addCommand(attemptsCommands());
program.addCommand(viewsCommands());
program.addCommand(openApiCommands());

program
  .command('generate')
  .description('write the generated documents: OpenAPI, AsyncAPI, topology diagram, catalogues, configuration')
  .option('--check', 'only tell what is out of date, and fail if anything is')
  .action(generate);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`payflow: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
