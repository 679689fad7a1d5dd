import { SERVICES } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { Command } from 'commander';
import { Client, escapeIdentifier } from 'pg';
import { migratorUrl, withDatabase } from '../installation.js';
import { printTable } from '../output.js';

const AHEAD = statement(
  'cli.partitions-ahead',
  'select table_name as "table", partitions as ahead from partitions_ahead() order by 1',
);
const DUE = statement('cli.partitions-due', `select action, part as "partition" from partitions_due(4) order by 1, 2`);

interface Step {
  readonly action: string;
  readonly parent: string;
  readonly part: string;
}

/** `payflow partitions`: what lies ahead and what is due, and how to be rid of old ones without anybody waiting at all. */
export function partitionsCommands(): Command {
  const partitions = new Command('partitions').description('partitions by time: how many lie ahead, and what is due');
  partitions.command('ls').description('list them').action(list);
  partitions
    .command('retire')
    .argument('<service>')
    .description('detach and drop what has outlived its use, concurrently; as the owner')
    .action(retireOf);
  return partitions;
}

async function list(): Promise<void> {
  const of = async (rows: typeof AHEAD) =>
    (
      await Promise.all(
        SERVICES.map((service) =>
          withDatabase(service, async (db) => (await db.rows(rows)).map((row) => ({ service, ...row }))),
        ),
      )
    ).flat();
  printTable(await of(AHEAD), 'no table has partitions');
  process.stdout.write('\n');
  printTable(await of(DUE), 'nothing is due');
}

async function retireOf(name: string): Promise<void> {
  const service = SERVICES.find((one) => one === name);
  if (!service) throw new Error(`no service is named ${name}: one of ${SERVICES.join(', ')}`);
  const client = new Client({ connectionString: migratorUrl(service) });
  await client.connect();
  try {
    const retired = await retire(client);
    process.stdout.write(`${retired.length === 0 ? 'nothing has outlived its use' : retired.join('\n')}\n`);
  } finally {
    await client.end();
  }
}

/**
 * Detaches and drops what is due, as the owner, and returns what it dropped. Detached concurrently: unlike the services' own
 * upkeep, which may lock a table for half a second, it waits for everybody and keeps nobody waiting. May be interrupted anywhere.
 */
export async function retire(owner: Client): Promise<string[]> {
  const dropped: string[] = [];
  for (let step = await nextStep(owner); step; step = await nextStep(owner)) {
    const { action, parent, part } = step;
    // Nothing inside a function, or a transaction, can detach concurrently.
    if (action === 'detach')
      await owner.query(
        `alter table ${escapeIdentifier(parent)} detach partition ${escapeIdentifier(part)} concurrently`,
      );
    else await owner.query('select partition_step_at(now(), 0, $1, $2)', [action, part]);
    if (action === 'drop') dropped.push(part);
  }
  return dropped;
}

async function nextStep(owner: Client): Promise<Step | undefined> {
  const { rows } = await owner.query<Step>(
    `select action, parent, part from partitions_due_at(now(), 0) where action in ('finalize', 'detach', 'drop') limit 1`,
  );
  return rows[0];
}
