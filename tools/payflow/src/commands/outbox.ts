import { SERVICES, TOPICS, type Service, type Topic } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { noteDecision, republishRange } from '@payflow/messaging';
import { Command } from 'commander';
import { parseInstant, parseWords } from '../arguments.js';
import { databaseUrl, withDatabase, withDatabases } from '../installation.js';
import { printTable } from '../output.js';

// What is sent is counted once, as it leaves: the outbox itself is days of it, which nobody counts while they wait.
export const OUTBOX_BY_TOPIC = statement(
  'cli.outbox',
  `select topic, coalesce(sent.messages, 0) as "sent in 30 days", coalesce(waiting.rows, 0) as "unpublished rows",
     coalesce(waiting.messages, 0) as "unpublished messages", waiting.oldest as "oldest unpublished"
   from (select topic, sum(messages) as messages from sent_tallies group by topic) as sent
   full join (select topic, count(*) as rows, sum(message_count) as messages, min(created_at) as oldest
     from outbox where published_at is null group by topic) as waiting using (topic)
   order by topic`,
);

/** `payflow outbox`: what the services have sent, and the way to send it again. */
export function outboxCommands(): Command {
  const outbox = new Command('outbox').description('what the services have sent');
  outbox.command('ls').description('messages by topic, and what is not published yet').action(list);
  outbox
    .command('republish')
    .argument('<service>')
    .argument('<topic>')
    .requiredOption('--from <instant>', 'from this instant (RFC 3339)', parseInstant)
    .requiredOption('--to <instant>', 'to before this instant', parseInstant)
    .requiredOption('--actor <who>', 'who decides', parseWords)
    .requiredOption('--reason <why>', 'why', parseWords)
    .description('send what a service sent to a topic that it publishes in a span of time again, with the same ids')
    .action(republish);
  return outbox;
}

async function list(): Promise<void> {
  // After days without a broker even what waits takes longer to count than a service gives a statement.
  await withDatabases(SERVICES, databaseUrl, async (dbs) => {
    for (const [service, db] of dbs) {
      process.stdout.write(`${service}\n`);
      printTable(await db.rows(OUTBOX_BY_TOPIC), 'has sent nothing');
    }
  });
}

async function republish(
  service: string,
  topic: string,
  { from, to, actor, reason }: { from: Date; to: Date; actor: string; reason: string },
): Promise<void> {
  const publisher = publisherOf(service, topic);
  if (from >= to) throw new Error('--from must be before --to');
  const span = { topic, from, to };
  const { again, waiting } = await withDatabase(publisher, (db) =>
    // With the first: of one that is broken off a part has gone out.
    republishRange(db, span, (tx) => noteDecision(tx, { decision: 'republished', details: span, actor, reason })),
  );
  if (again + waiting === 0)
    throw new Error(`${service} has sent nothing to ${topic} in that time, as far as its outbox goes`);
  const others = waiting === 0 ? '' : `, ${waiting} have not gone out yet`;
  process.stdout.write(`${again} rows go out again${others} (${actor}: ${reason})\n`);
}

function publisherOf(service: string, topic: string): Service {
  if (!(SERVICES as readonly string[]).includes(service))
    throw new Error(`no such service; there are ${SERVICES.join(', ')}`);
  if (!Object.hasOwn(TOPICS, topic)) throw new Error(`no such topic; there are ${Object.keys(TOPICS).join(', ')}`);
  const publishers: readonly Service[] = TOPICS[topic as Topic].publishers;
  const publisher = publishers.find((name) => name === service);
  if (!publisher) throw new Error(`${service} never publishes ${topic}; ${publishers.join(', ')} can`);
  return publisher;
}
