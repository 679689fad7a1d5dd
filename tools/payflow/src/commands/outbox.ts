import { SERVICES, TOPICS, type Service } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { republishRange } from '@payflow/messaging';
import { Command } from 'commander';
import { parseInstant } from '../arguments.js';
import { withDatabase } from '../installation.js';
import { printTable } from '../output.js';

const LIST = statement(
  'cli.outbox',
  `select topic, count(*) as rows, sum(message_count) as messages, count(*) filter (where published_at is null) as unpublished,
     min(created_at) as oldest, max(created_at) as newest
   from outbox group by topic order by topic`,
);

/** `payflow outbox`: what the services have sent, and the way to send it again. */
export function outboxCommands(): Command {
  const outbox = new Command('outbox').description('what the services have sent');
  outbox.command('ls').description('rows and messages by topic').action(list);
  outbox
    .command('republish')
    .argument('<service>')
    .argument('<topic>')
    .requiredOption('--from <instant>', 'from this instant (RFC 3339)', parseInstant)
    .requiredOption('--to <instant>', 'to before this instant', parseInstant)
    .requiredOption('--actor <who>', 'who decides')
    .requiredOption('--reason <why>', 'why')
    .description('send what was sent in a span of time again, with the same ids')
    .action(republish);
  return outbox;
}

async function list(): Promise<void> {
  for (const service of SERVICES) {
    process.stdout.write(`${service}\n`);
    printTable(await withDatabase(service, (db) => db.rows(LIST)), 'has sent nothing');
  }
}

async function republish(
  service: string,
  topic: string,
  { from, to, actor, reason }: { from: Date; to: Date; actor: string; reason: string },
): Promise<void> {
  if (!(SERVICES as readonly string[]).includes(service))
    throw new Error(`no such service; there are ${SERVICES.join(', ')}`);
  if (!Object.hasOwn(TOPICS, topic)) throw new Error(`no such topic; there are ${Object.keys(TOPICS).join(', ')}`);
  const rows = await withDatabase(service as Service, (db) => republishRange(db, topic, from, to));
  process.stdout.write(`${rows} rows go out again (${actor}: ${reason})\n`);
}
