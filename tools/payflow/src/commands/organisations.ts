import { readFileSync } from 'node:fs';
import { addOrganisation, bootstrap, type Beginning, type Begun } from '@payflow/gateway/database';
import type { Database } from '@payflow/database';
import { Command } from 'commander';
import { rememberFirstOwner, withDatabase } from '../installation.js';

interface Options {
  readonly name: string;
  readonly email: string;
  readonly passwordFile?: string;
}

/** `payflow bootstrap`: the first organisation of an installation, its owner and a key. Once. */
export function bootstrapCommand(): Command {
  const command = withOptions(new Command('bootstrap')).description(
    'make the first organisation, its owner and an API key of test mode; once, refused after',
  );
  return command.action(async (options: Options) => {
    // Remembered and told before it stands: it cannot be made a second time, and nobody else knows the password.
    await begin(options, (db, beginning, tell) =>
      bootstrap(db, beginning, (begun) => {
        rememberFirstOwner(begun);
        tell(begun);
      }),
    );
  });
}

/** `payflow organisations`: those after the first. */
export function organisationsCommands(): Command {
  const organisations = new Command('organisations').description('who has books here');
  withOptions(organisations.command('add'))
    .description('make one organisation more, with an owner and an API key of test mode')
    .action((options: Options) =>
      begin(options, async (db, beginning, tell) => tell(await addOrganisation(db, beginning))),
    );
  return organisations;
}

function withOptions(command: Command): Command {
  return command
    .requiredOption('--name <name>', 'what the organisation is called')
    .requiredOption('--email <address>', 'the e-mail address that its owner logs in with')
    .option(
      '--password-file <path>',
      "a file that holds the owner's password, or - for standard input; one is made without",
    );
}

/** Password and key are printed this once, as one JSON object. A password is never an argument: those are seen by everybody. */
async function begin(
  { name, email, passwordFile }: Options,
  make: (db: Database, beginning: Beginning, tell: (begun: Begun) => void) => Promise<unknown>,
): Promise<void> {
  const password = passwordFile === undefined ? undefined : readPassword(passwordFile);
  const tell = ({ password: made, ...told }: Begun): void => {
    process.stdout.write(`${JSON.stringify(password === undefined ? { ...told, password: made } : told)}\n`);
  };
  await withDatabase('gateway', (db) => make(db, { organisation: name, email, password }, tell));
}

function readPassword(file: string): string {
  return readFileSync(file === '-' ? 0 : file, 'utf8').replace(/\r?\n$/, '');
}
