import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import type { Transaction } from '@payflow/database';
import { Consumes, Discards, Refuses, type AnyOutgoing, type Handled } from '@payflow/messaging';
import {
  answer,
  findVerdicts,
  keyed,
  lockAccounts,
  saveBatch,
  takenPaths,
  type Answer,
  type KeyedCommand,
  type KnownVerdict,
} from '../database/ledger.repository.js';
import { Book, type LedgerCommand, type RefusableCommand, type Verdict } from '../domain/book.js';

/** Opens accounts and posts transfers: one batch, one set of statements, a verdict for every command. */
@Controller()
export class LedgerCommandsHandler {
  @Consumes('ledger.commands')
  async handle(@Payload() commands: readonly LedgerCommand[], @Ctx() tx: Transaction): Promise<Handled> {
    return decideBatch(tx, commands, (book, command) => book.decide(command));
  }

  /** An operator gave the commands up: the refusal is written where any later copy will find it. */
  @Discards('ledger.commands')
  async discard(@Payload() commands: readonly LedgerCommand[], @Ctx() tx: Transaction): Promise<Handled> {
    return decideBatch(tx, commands, (book, command) => book.refuse(command, 'discarded'));
  }

  /** Commands too damaged to be carried out, and whole enough to be refused: that is written at the same place. */
  @Refuses('ledger.commands')
  async refuse(@Payload() commands: readonly RefusableCommand[], @Ctx() tx: Transaction): Promise<Handled> {
    return refuseDamaged(tx, commands);
  }
}

/** In the place of the hash of a content that could not be read: whatever comes under the id gets the same refusal. */
const UNREAD = '0'.repeat(64);

/** Refuses each id that is not known. One that is known keeps its verdict, which has been sent and may not be contradicted. */
async function refuseDamaged(tx: Transaction, commands: readonly RefusableCommand[]): Promise<Handled> {
  const all = commands.map(keyedUnread);
  const [known, { now }] = await Promise.all([findVerdicts(tx, all), lockAccounts(tx, [])]);
  const book = new Book(new Map(), new Set(), now.toISOString());
  const answers = new Map<string, Answer>();
  for (const each of all) {
    if (known.has(each.key) || answers.has(each.key)) continue;
    answers.set(each.key, answer(each, book.refuse(each.command, 'command_malformed')));
  }
  const given = [...answers.values()];
  if (given.length > 0)
    await saveBatch(tx, { answers: given, opened: new Map(), changed: new Map(), keys: new Map(), now });
  return {
    messages: given.map(({ keyed: { command }, verdict, eventId: id, json }) => event(command, verdict, { id, json })),
    repeated: all
      .filter(({ key, command }) => known.get(key)?.commandId === command.id)
      .map(({ command }) => command.id),
  };
}

/** Its key is made of what could be read; a hash would be of no more than that. */
function keyedUnread(command: RefusableCommand): KeyedCommand {
  const unread = { metadata: {}, path: null, valid_until: null };
  return {
    ...keyed({ ...command, data: { ...unread, ...command.data } } as unknown as LedgerCommand),
    contentHash: UNREAD,
  };
}

async function decideBatch(
  tx: Transaction,
  commands: readonly LedgerCommand[],
  decide: (book: Book, command: LedgerCommand) => Verdict,
): Promise<Handled> {
  const all = commands.map(keyed);
  // One after another in the database, and together on the way there: nearly always every command is new.
  const [known, { accounts, keys, now }, paths] = await Promise.all([
    findVerdicts(tx, all),
    lockAccounts(tx, all),
    takenPaths(tx, all),
  ]);
  const book = new Book(accounts, paths, now.toISOString());
  const answers = new Map<string, Answer>();
  const messages: AnyOutgoing[] = [];
  const repeated: string[] = [];
  for (const each of all) {
    const { command, key } = each;
    const before = known.get(key) ?? sameBatch(answers.get(key));
    if (before) {
      if (before.commandId === command.id) repeated.push(command.id);
      messages.push(answerAgain(each, before, book));
      continue;
    }
    const given = answer(each, decide(book, command));
    answers.set(key, given);
    messages.push(event(command, given.verdict, { id: given.eventId, json: given.json }));
  }
  if (answers.size > 0)
    await saveBatch(tx, {
      answers: [...answers.values()],
      opened: book.newAccounts(),
      changed: book.changedAccounts(),
      keys,
      now,
    });
  return { messages, repeated };
}

/** A copy of a command gets the verdict of the first; another command under the same id is refused, and changes nothing. */
function answerAgain({ command, contentHash }: KeyedCommand, before: KnownVerdict, book: Book): AnyOutgoing {
  return before.contentHash === contentHash || before.contentHash === UNREAD
    ? event(command, before.verdict, { id: before.eventId, resent: true })
    : event(command, book.refuse(command, 'id_reused'), {});
}

function event(
  command: LedgerCommand,
  verdict: Verdict,
  sending: { id?: string; json?: string; resent?: true },
): AnyOutgoing {
  return { ...verdict, ...sending, subject: command.data.id, aggregateVersion: 1, cause: command } as AnyOutgoing;
}

function sameBatch(given: Answer | undefined): KnownVerdict | undefined {
  if (!given) return undefined;
  const { command, contentHash } = given.keyed;
  return { contentHash, commandId: command.id, eventId: given.eventId, verdict: given.verdict };
}
