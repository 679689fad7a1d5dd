import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import type { Transaction } from '@payflow/database';
import { Consumes, Discards, type AnyOutgoing, type Handled } from '@payflow/messaging';
import { answer, commandKey, findVerdicts, lockAccounts, saveBatch, takenPaths, type Answer, type KnownVerdict } from '../database/ledger.repository.js';
import { contentHash } from '../database/content-hash.js';
import { Book, type LedgerCommand, type Verdict } from '../domain/book.js';

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
}

async function decideBatch(tx: Transaction, commands: readonly LedgerCommand[], decide: (book: Book, command: LedgerCommand) => Verdict): Promise<Handled> {
  const known = await findVerdicts(tx, commands);
  const fresh = commands.filter((command) => !known.has(commandKey(command)));
  const { accounts, now } = await lockAccounts(tx, fresh);
  const book = new Book(accounts, await takenPaths(tx, fresh), now.toISOString());
  const answers = new Map<string, Answer>();
  const messages: AnyOutgoing[] = [];
  const repeated: string[] = [];
  for (const command of commands) {
    const before = known.get(commandKey(command)) ?? sameBatch(answers.get(commandKey(command)));
    if (before) {
      if (before.commandId === command.id) repeated.push(command.id);
      messages.push(answerAgain(command, before, book));
      continue;
    }
    const given = answer(command, decide(book, command));
    answers.set(commandKey(command), given);
    messages.push({ ...given.verdict, id: given.eventId, subject: command.data.id, aggregateVersion: 1, cause: command } as AnyOutgoing);
  }
  if (answers.size > 0) await saveBatch(tx, { answers: [...answers.values()], opened: book.newAccounts(), changed: book.changedAccounts(), now });
  return { messages, repeated };
}

/** A copy of a command gets the verdict of the first; another command under the same id is refused, and changes nothing. */
function answerAgain(command: LedgerCommand, before: KnownVerdict, book: Book): AnyOutgoing {
  const common = { subject: command.data.id, aggregateVersion: 1, cause: command };
  if (before.contentHash.equals(contentHash(command))) return { ...before.verdict, ...common, id: before.eventId, resent: true } as AnyOutgoing;
  return { ...book.refuse(command, 'id_reused'), ...common } as AnyOutgoing;
}

function sameBatch(given: Answer | undefined): KnownVerdict | undefined {
  return given && { contentHash: contentHash(given.command), commandId: given.command.id, eventId: given.eventId, verdict: given.verdict };
}
